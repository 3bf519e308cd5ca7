//! Group normalisation (Wu and He, 2018, arXiv:1803.08494) and instance normalisation (Ulyanov, Vedaldi and Lempitsky,
//! 2016, arXiv:1607.08022), both in terms of layer normalisation.

use super::check;
use crate::apply::must;
use crate::{Error, Result, Shape, Tensor};

impl Tensor {
    /// Group normalisation of `[N, C, …]`: (x − mean) / √(variance + ε) · weight + bias, with the mean and the biased
    /// variance of each example's C / `groups` neighbouring channels. Weight and bias are `[C]`; without them they are
    /// 1 and 0.
    ///
    /// # Panics
    /// When the input has fewer than two axes, C is not a multiple of `groups`, or a shape or type does not fit.
    #[track_caller]
    pub fn group_norm(
        &self,
        groups: usize,
        weight: Option<&Tensor>,
        bias: Option<&Tensor>,
        epsilon: f64,
    ) -> Tensor {
        must(grouped("group_norm", self, groups, weight, bias, epsilon))
    }

    /// Instance normalisation of `[N, C, …]`: (x − mean) / √(variance + ε) · weight + bias, with the mean and the
    /// biased variance of each channel of each example. Weight and bias are `[C]`; without them they are 1 and 0.
    ///
    /// # Panics
    /// When the input has fewer than two axes or a channel fewer than two positions, or a shape or type does not fit.
    #[track_caller]
    pub fn instance_norm(&self, weight: Option<&Tensor>, bias: Option<&Tensor>, epsilon: f64) -> Tensor {
        const NAME: &str = "instance_norm";
        let positions: usize = self.dims().iter().skip(2).product();
        if self.rank() >= 2 && positions < 2 {
            let detail = format!("a variance needs more than one position a channel, got {}", self.shape());
            return must(Err(Error::shape(NAME, detail)));
        }
        let channels = self.dims().get(1).copied().unwrap_or(0);
        must(grouped(NAME, self, channels, weight, bias, epsilon))
    }
}

fn grouped(
    op: &'static str,
    x: &Tensor,
    groups: usize,
    weight: Option<&Tensor>,
    bias: Option<&Tensor>,
    epsilon: f64,
) -> Result<Tensor> {
    let [batch, channels, rest @ ..] = x.dims() else {
        return Err(Error::shape(op, format!("needs an input [N, C, …], got {}", x.shape())));
    };
    if groups == 0 || channels % groups != 0 {
        return Err(Error::argument(
            op,
            format!("{channels} channels cannot be divided into {groups} groups"),
        ));
    }
    let group = channels / groups * rest.iter().product::<usize>();
    let affine_shape: Shape = (1..x.rank()).map(|axis| if axis == 1 { *channels } else { 1 }).collect();
    let affine = |what: &str, tensor: &Tensor| {
        check(op, what, &tensor.spec(), &Shape::from(*channels), x.dtype())
            .map(|()| tensor.reshape(&affine_shape))
    };
    let mut y =
        x.reshape([*batch, groups, group]).layer_norm(&[group], None, None, epsilon).reshape(x.shape());
    if let Some(weight) = weight {
        y = y * affine("weight", weight)?;
    }
    if let Some(bias) = bias {
        y = y + affine("bias", bias)?;
    }
    Ok(y)
}
