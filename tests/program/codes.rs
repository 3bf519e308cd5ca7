//! `wengert interpolate`, `arithmetic`, `manifold` and `traverse --gif`: pictures of codes.

use super::*;

/// The width and height that a PNG file claims.
fn png_size(path: &Path) -> (u32, u32) {
    let bytes = bytes(path);
    assert!(bytes.starts_with(b"\x89PNG"), "{}", path.display());
    let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    (number(16), number(20))
}

/// Trains a model for two steps.
pub(super) fn brief(folder: &Path, model: &str, more: &[&str]) -> String {
    let run = folder.join(model);
    let out = run.to_str().unwrap().to_owned();
    let arguments = ["train", model, "--out", &out, "--steps=2", "--batch=8", "--quiet"];
    let data = ["--set=data.limit=100", "--set=data.test_limit=100"];
    succeed(&[&arguments[..], &data, more].concat());
    out
}

#[test]
fn ways_between_images_are_drawn() {
    let root = TempDir::new().unwrap();
    let run = brief(root.path(), "vae", &["--set=vae.hidden=16", "--latent=3"]);
    let out = root.path().join("way.png");
    let path = out.to_str().unwrap();
    let told = succeed(&["interpolate", &run, "--steps=5", "--out", path]);
    assert!(told.starts_with("from test image 0 (7) to test image 1 (2) along a great circle: "), "{told}");
    // Five images and the two originals, of 28 pixels with gaps of 2, twice enlarged.
    assert_eq!(png_size(&out), (2 * (7 * 30 + 2), 2 * 32));
    let animation = bytes(out.with_extension("gif"));
    assert!(animation.starts_with(b"GIF89a"));
    let first = bytes(&out);
    let told = succeed(&["interpolate", &run, "--steps=5", "--from=3", "--to=2", "--lerp", "--out", path]);
    assert!(told.contains("test image 3 (0) to test image 2 (1) along a straight line"), "{told}");
    assert_ne!(bytes(&out), first);
    let random = ["interpolate", &run, "--random", "--steps=3", "--out", path];
    succeed(&[&random[..], &["--seed=1"]].concat());
    assert_eq!(png_size(&out), (2 * (3 * 30 + 2), 2 * 32));
    let seeded = bytes(out.with_extension("gif"));
    succeed(&[&random[..], &["--seed=1"]].concat());
    assert_eq!(bytes(out.with_extension("gif")), seeded, "the seed decides the images");

    refuse(&["interpolate", &run, "--steps=1"], &["--steps is 1", "from 2 to 1000"]);
    refuse(&["interpolate", &run, "--from=100"], &["--from is 100", "0 to 99"]);
    refuse(&["interpolate", &run, "--label=1"], &["--label is 1", "takes no labels"]);
    refuse(&["interpolate", &run, "--out=way.gif"], &["--out is way.gif", ".png"]);
    refuse(&["interpolate", &run, "--data=/nowhere"], &["/nowhere"]);
    let both = output(&["interpolate", &run, "--slerp", "--lerp"]);
    assert_eq!(both.status.code(), Some(2));
}

#[test]
fn classes_are_added_and_mapped() {
    let root = TempDir::new().unwrap();
    let run = brief(root.path(), "vae", &["--set=vae.hidden=16", "--latent=2"]);
    let file = |name: &str| root.path().join(name);
    let out = file("arithmetic.png");
    let arguments = ["arithmetic", &run, "--from=3", "--to=8", "--count=4", "--out", out.to_str().unwrap()];
    let told = succeed(&[&arguments[..], &["--strength=0.5,-1"]].concat());
    assert_eq!(told.lines().count(), 4, "{told}");
    assert!(told.contains("row 4: plus -1 × (mean code of 8 − mean code of 3)"), "{told}");
    assert_eq!(png_size(&out), (2 * (4 * 30 + 2), 2 * (4 * 30 + 2)));
    refuse(&["arithmetic", &run, "--from=3", "--to=ten"], &["--to is `ten`", "0, 1, 2"]);
    refuse(&["arithmetic", &run, "--from=3", "--to=8", "--strength=nan"], &["--strength", "finite"]);

    let map = file("map.png");
    let told = succeed(&["manifold", &run, "--side=4", "--out", map.to_str().unwrap()]);
    assert!(told.contains("at quantiles of the prior; on the right the codes"), "{told}");
    // Four images a side, enlarged to at least 560 pixels, beside a plot of the same height.
    assert_eq!(png_size(&map), (2 * 5 * (4 * 30 + 2), 5 * (4 * 30 + 2)));
    refuse(&["manifold", &run, "--side=1"], &["--side is 1", "from 2 to 100"]);

    let rows = file("rows.png");
    succeed(&["traverse", &run, "--columns=3", "--gif", "--out", rows.to_str().unwrap()]);
    assert!(bytes(rows.with_extension("gif")).starts_with(b"GIF89a"));

    let longer = brief(&file("longer"), "vae", &["--set=vae.hidden=16", "--latent=5"]);
    let told = succeed(&["manifold", &longer, "--side=3", "--out", map.to_str().unwrap()]);
    assert!(told.contains("the first two principal components of 5 numbers, "), "{told}");
}

#[test]
fn models_without_an_encoder_say_what_they_can() {
    let root = TempDir::new().unwrap();
    let file = |name: &str| root.path().join(name).to_str().unwrap().to_owned();
    let gan = brief(root.path(), "gan", &["--set=gan.width=4"]);
    let told = succeed(&["interpolate", &gan, "--steps=3", "--out", &file("way.png")]);
    assert!(told.starts_with("from a random code to another along a great circle"), "{told}");
    refuse(&["interpolate", &gan, "--from=1"], &["`gan` has no encoder", "leave out --from and --to"]);
    refuse(
        &["arithmetic", &gan, "--from=1", "--to=2"],
        &["`gan` has no encoder and takes no labels", "cgan"],
    );
    refuse(&["manifold", &gan], &["`gan` has no encoder", "wengert traverse"]);

    let cgan = brief(root.path(), "cgan", &["--set=cgan.width=4"]);
    let told =
        succeed(&["arithmetic", &cgan, "--from=1", "--to=2", "--count=3", "--out", &file("labels.png")]);
    assert!(told.contains("row 2: the same codes under the label 2"), "{told}");
    refuse(&["arithmetic", &cgan, "--from=1", "--to=2", "--strength=2"], &["leave out --strength"]);
    refuse(&["interpolate", &cgan, "--label=10"], &["--label is 10", "0 to 9"]);
    succeed(&["interpolate", &cgan, "--label=9", "--steps=2", "--out", &file("nine.png")]);
}
