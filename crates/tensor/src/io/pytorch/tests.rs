//! Files made here byte by byte, and one that PyTorch wrote.

use super::super::safetensors;
use super::super::tests::survives_corruption;
use super::*;
use proptest::prelude::*;
use std::io::Write;
use zip::ZipWriter;
use zip::write::FileOptions;

/// A pickle under construction.
#[derive(Default)]
struct Writer(Vec<u8>);

impl Writer {
    fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    fn text(self, text: &str) -> Self {
        self.raw(b"X").raw(&(text.len() as u32).to_le_bytes()).raw(text.as_bytes())
    }

    fn int(self, number: i64) -> Self {
        self.raw(&[0x8a, 8]).raw(&number.to_le_bytes())
    }

    fn ints(self, numbers: &[i64]) -> Self {
        numbers.iter().fold(self.raw(b"("), |writer, &number| writer.int(number)).raw(b"t")
    }

    /// An entry of the dictionary on the stack: a tensor in storage 0.
    fn tensor(self, name: &str, storage: &str, count: i64, [offset, sizes, strides]: [&[i64]; 3]) -> Self {
        self.text(name)
            .raw(b"ctorch._utils\n_rebuild_tensor_v2\n((")
            .text("storage")
            .raw(format!("ctorch\n{storage}\n").as_bytes())
            .text("0")
            .text("cpu")
            .int(count)
            .raw(b"tQ")
            .int(offset[0])
            .ints(sizes)
            .ints(strides)
            .raw(b"\x89ccollections\nOrderedDict\n)RtRs")
    }
}

/// The archive of a dictionary with these entries over one storage.
fn archive(entries: impl FnOnce(Writer) -> Writer, storage: &[u8]) -> Vec<u8> {
    let pickle = entries(Writer::default().raw(b"\x80\x02}")).raw(b".").0;
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = FileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, contents) in [("x/data.pkl", &pickle[..]), ("x/byteorder", b"little"), ("x/data/0", storage)] {
        zip.start_file(name, options).unwrap();
        zip.write_all(contents).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// Six f32 from 0 up.
fn six() -> Vec<u8> {
    (0..6).flat_map(|number| (number as f32).to_le_bytes()).collect()
}

/// What reading one tensor of these six comes to.
fn read(count: i64, layout: [&[i64]; 3]) -> std::result::Result<Tensor, String> {
    let bytes = archive(|writer| writer.tensor("w", "FloatStorage", count, layout), &six());
    parse(&bytes).map(|mut tensors| tensors.remove("w").expect("the tensor"))
}

fn golden(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/goldens/pytorch").join(name)
}

#[test]
fn a_file_of_pytorch_holds_what_its_twin_does() {
    let found = load(golden("state.pt")).unwrap();
    let expected = safetensors::load(golden("state.safetensors")).unwrap().tensors;
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (name, tensor) in &expected {
        assert_eq!(found[name].spec(), tensor.spec(), "{name}");
        assert_eq!(found[name].to_string(), tensor.to_string(), "{name}");
    }
}

#[test]
fn strides_are_honoured() {
    let numbers = |layout| read(6, layout).unwrap().to_vec::<f32>();
    assert_eq!(numbers([&[0], &[2, 3], &[3, 1]]), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    assert_eq!(numbers([&[0], &[3, 2], &[1, 3]]), [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
    assert_eq!(numbers([&[1], &[2], &[3]]), [1.0, 4.0]);
    assert_eq!(numbers([&[5], &[], &[]]), [5.0]);
    assert_eq!(numbers([&[2], &[3], &[0]]), [2.0; 3]);
    assert_eq!(read(6, [&[9], &[0, 4], &[4, 1]]).unwrap().dims(), [0, 4]);
}

#[test]
fn what_does_not_lie_in_its_storage_is_refused() {
    let refuse = |count, layout, part: &str| {
        let error = read(count, layout).unwrap_err();
        assert!(error.contains(part) && error.contains("\"w\""), "{part}: {error}");
    };
    refuse(6, [&[0], &[7], &[1]], "reaches beyond its storage of 6");
    refuse(6, [&[6], &[1], &[1]], "reaches beyond");
    refuse(6, [&[1], &[2, 3], &[3, 1]], "reaches beyond");
    refuse(6, [&[0], &[3], &[i64::MAX]], "reaches beyond");
    refuse(6, [&[0], &[3], &[-1]], "number of elements");
    refuse(7, [&[0], &[7], &[1]], "24 bytes for 7 elements");
    refuse(6, [&[0], &[2, 3], &[1]], "as many of each");
    refuse(6, [&[0], &[1; 20], &[1; 20]], "as many of each");
    // One element shown more often than there is memory.
    refuse(6, [&[0], &[1 << 40], &[0]], "times as large as the file");
    refuse(6, [&[0], &[1 << 40, 1 << 40], &[0, 0]], "");
}

#[test]
fn anything_but_tensors_is_named() {
    let error = |entries: fn(Writer) -> Writer| parse(&archive(entries, &six())).unwrap_err();
    let system = error(|writer| writer.text("w").raw(b"cposix\nsystem\n").text("true").raw(b"\x85Rs"));
    assert!(system.contains("names posix.system"), "{system}");
    let number = error(|writer| writer.text("epoch").int(3).raw(b"s"));
    assert!(number.contains("\"epoch\"") && number.contains("model.state_dict()"), "{number}");
    let complex = error(|writer| writer.tensor("w", "ComplexFloatStorage", 3, [&[0], &[3], &[1]]));
    assert!(complex.contains("names torch.ComplexFloatStorage"), "{complex}");
    let twice = error(|writer| {
        let layout: [&[i64]; 3] = [&[0], &[6], &[1]];
        writer.tensor("w", "FloatStorage", 6, layout).tensor("w", "FloatStorage", 6, layout)
    });
    assert!(twice.contains("\"w\" twice"), "{twice}");
    let list = parse(&archive(|writer| writer.raw(b"]"), &six())).unwrap_err();
    assert!(list.contains("state dictionary"), "{list}");
    assert!(parse(b"\x80\x02}.").unwrap_err().contains("PyTorch 1.6"));
}

#[test]
fn a_module_as_a_whole_is_refused() {
    let module = parse(&archive(|writer| writer.raw(b"c__main__\nNet\n)\x81"), &[])).unwrap_err();
    assert!(module.contains("names __main__.Net"), "{module}");
}

#[test]
fn short_floats_are_widened() {
    for (half, expected) in [
        (0x0000, 0.0),
        (0x3c00, 1.0),
        (0xc000, -2.0),
        (0x7bff, 65504.0),
        (0x0001, 2f32.powi(-24)),
        (0x7c00, f32::INFINITY),
    ] {
        assert_eq!(widen_half(half), expected, "{half:#06x}");
    }
    assert!(widen_half(0x7e00).is_nan());
    assert!(widen_half(0x8000).is_sign_negative());
}

#[test]
fn corrupt_files_are_errors() {
    let layout: [&[i64]; 3] = [&[1], &[2, 2], &[1, 2]];
    let bytes = archive(
        |writer| {
            writer.tensor("w", "FloatStorage", 6, layout).tensor("v", "FloatStorage", 6, [&[0], &[6], &[1]])
        },
        &six(),
    );
    assert_eq!(parse(&bytes).unwrap().len(), 2);
    survives_corruption(&bytes, |bytes| drop(parse(bytes)));
    survives_corruption(&std::fs::read(golden("state.pt")).unwrap(), |bytes| drop(parse(bytes)));
}

proptest! {
    /// A pickle is not covered by a checksum once its archive is made anew: any bytes must end in an answer.
    #[test]
    fn no_pickle_panics(
        bytes in prop::collection::vec(any::<u8>(), 0..64),
        place in 0usize..400,
        instruction in prop::sample::select(&b"(.NKMJ\x8aG\x95X\x8c}])\x85\x86\x87taesuc\x93RbQqr\x94hj"[..]),
    ) {
        let _ = pickle::parse(&bytes, &["collections.OrderedDict"]);
        let mut pickle = Writer::default()
            .raw(b"\x80\x02}")
            .tensor("w", "FloatStorage", 6, [&[0], &[2, 3], &[3, 1]])
            .raw(b".")
            .0;
        let place = place % pickle.len();
        pickle[place] = instruction;
        let _ = parse(&archive(|_| Writer(pickle), &six()));
    }
}
