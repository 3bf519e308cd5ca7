//! `wengert data`: which data sets there are, whether they are intact, and how to get them.

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use std::io::Write;
use std::path::{Path, PathBuf};
use wengert_data::{
    DatasetInfo, FileStatus, Places, Split, candidates, catalogue, dataset_info, find_dataset, identify,
    import_folder, user_folder, verify_folder,
};
use wengert_models::wording::counted;

/// Data sets: list, check, import and download them
#[derive(Args, Debug)]
pub struct DataArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Show the known data sets and where they were found
    List {
        /// Look in this folder only
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
    },
    /// Compare files with the published checksums: of every data set found, of one by name, or of all files in a folder
    Verify {
        /// Name of a data set, or a folder
        #[arg(value_name = "NAME|DIR")]
        target: Option<String>,
        /// Look in this folder only
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
    },
    /// Copy files that belong to known data sets into your own data folder; they are known by content, not by name
    Import {
        /// A folder with the files: raw, packed with gzip, or in tar archives
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
    /// Download a data set from public mirrors into your own data folder and check it
    Fetch {
        /// Name of the data set, as `wengert data list` shows it
        name: String,
    },
}

/// Runs `wengert data`.
pub fn run(args: &DataArgs) -> Result<()> {
    let out = &mut std::io::stdout().lock();
    match &args.command {
        Command::List { data } => list(&Places::new(data.as_deref()), out),
        Command::Verify { target, data } => verify(target.as_deref(), &Places::new(data.as_deref()), out),
        Command::Import { folder } => import(folder, out),
        Command::Fetch { name } => fetch(name, out),
    }
}

/// Prints every data set of the catalogue, with its folder where it was found.
fn list(places: &Places, out: &mut impl Write) -> Result<()> {
    for info in catalogue() {
        writeln!(out, "{:<14} {}", info.name, info.title)?;
        writeln!(out, "{:<14} licence: {}", "", info.licence)?;
        match found(info, places) {
            Some(_) if info.derived.is_some() => writeln!(out, "{:<14} {}", "", info.by_hand)?,
            Some(folder) => writeln!(out, "{:<14} found in {}", "", folder.display())?,
            None if info.downloads.is_empty() => {
                writeln!(out, "{:<14} not found; by hand: {}", "", info.by_hand)?
            }
            None => writeln!(out, "{:<14} not found; get it with `wengert data fetch {}`", "", info.name)?,
        }
    }
    Ok(())
}

/// The first folder with a usable split of the data set.
fn found(info: &'static DatasetInfo, places: &Places) -> Option<PathBuf> {
    [Split::Train, Split::Test].into_iter().find_map(|split| find_dataset(info, split, places).ok())
}

fn verify(target: Option<&str>, places: &Places, out: &mut impl Write) -> Result<()> {
    let wrong = match target {
        None => verify_all(places, out)?,
        Some(target) => match dataset_info(target) {
            // A name wins over a folder of that name, which can be written `./mnist`.
            Ok(info) if info.derived.is_some() => {
                bail!("{} has no files of its own; {}", info.name, info.by_hand)
            }
            Ok(info) => {
                let folder = match find_dataset(info, Split::Train, places) {
                    Ok(folder) => folder,
                    Err(missing) => find_dataset(info, Split::Test, places).map_err(|_| missing)?,
                };
                verify_one(info, &folder, out)?
            }
            Err(_) if Path::new(target).is_dir() => verify_any(Path::new(target), out)?,
            Err(error) => bail!("{error}; there is no folder of that name either"),
        },
    };
    match wrong {
        0 => Ok(()),
        1 => bail!("1 file is not what it should be"),
        count => bail!("{count} files are not what they should be"),
    }
}

/// Checks all data sets that are there; the number of wrong files.
fn verify_all(places: &Places, out: &mut impl Write) -> Result<usize> {
    let (mut sets, mut wrong) = (0, 0);
    // What is made of other data sets has no files of its own.
    for info in catalogue().iter().filter(|info| info.derived.is_none()) {
        if let Some(folder) = found(info, places) {
            sets += 1;
            wrong += verify_one(info, &folder, out)?;
        }
    }
    if sets == 0 {
        writeln!(out, "no data set was found; `wengert data list` shows how to get one")?;
    }
    Ok(wrong)
}

/// Prints the state of each file of a data set; the number of wrong ones.
fn verify_one(info: &'static DatasetInfo, folder: &Path, out: &mut impl Write) -> Result<usize> {
    writeln!(out, "{} in {}", info.name, folder.display())?;
    let reports = verify_folder(info, folder);
    for report in &reports {
        let name = report.path.as_deref().map_or(report.file.name.into(), file_name);
        match &report.status {
            FileStatus::Published => writeln!(out, "  ok      {name}")?,
            FileStatus::SameContent => writeln!(out, "  ok      {name} (the published content)")?,
            FileStatus::Absent => writeln!(out, "  absent  {name}")?,
            FileStatus::Wrong(error) => writeln!(out, "  WRONG   {error}")?,
        }
    }
    Ok(reports.iter().filter(|report| matches!(report.status, FileStatus::Wrong(_))).count())
}

/// Names every file in a folder that belongs to a known data set; the number of damaged ones.
fn verify_any(folder: &Path, out: &mut impl Write) -> Result<usize> {
    let (mut intact, mut wrong) = (0, 0);
    for path in candidates(folder)? {
        let known = match identify(&path) {
            Ok(known) => known,
            Err(error) => {
                wrong += 1;
                writeln!(out, "WRONG   {error}")?;
                continue;
            }
        };
        intact += known.len();
        for known in &known {
            writeln!(out, "ok      {}: {} of {}", path.display(), known.file.name, known.info.name)?;
        }
        if known.is_empty() && claims_to_be_known(&path) {
            wrong += 1;
            writeln!(out, "WRONG   {}: not the content of the known file of this name", path.display())?;
        } else if known.is_empty() {
            writeln!(out, "unknown {}", path.display())?;
        }
    }
    if intact + wrong == 0 {
        bail!(nothing_known(folder));
    }
    Ok(wrong)
}

/// Whether a file has the name of a file in the catalogue.
fn claims_to_be_known(path: &Path) -> bool {
    let name = file_name(path);
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    catalogue().iter().any(|info| info.file(name).is_some())
}

fn import(folder: &Path, out: &mut impl Write) -> Result<()> {
    let (mut copied, mut wrong) = (0, 0);
    for imported in import_folder(folder, own_folder()?)? {
        let source = imported.path.display();
        match imported.outcome {
            Ok(known) if known.is_empty() => writeln!(out, "unknown {source}")?,
            Ok(known) => {
                for (known, place) in known {
                    copied += 1;
                    let (file, name) = (known.file.name, known.info.name);
                    writeln!(out, "ok      {source}: {file} of {name}, now {}", place.display())?;
                }
            }
            Err(error) => {
                wrong += 1;
                writeln!(out, "WRONG   {error}")?;
            }
        }
    }
    if copied + wrong == 0 {
        bail!(nothing_known(folder));
    }
    if wrong > 0 {
        bail!("{copied} of {} verified and imported, the rest could not be", counted(copied + wrong, "file"));
    }
    writeln!(out, "{} verified and imported", counted(copied, "file"))?;
    Ok(())
}

fn nothing_known(folder: &Path) -> String {
    format!("no file in {} belongs to a known data set; `wengert data list` shows those", folder.display())
}

#[cfg(feature = "fetch")]
fn fetch(name: &str, out: &mut impl Write) -> Result<()> {
    use indicatif::{ProgressBar, ProgressStyle};
    let info = dataset_info(name)?;
    let target = own_folder()?;
    let style = ProgressStyle::with_template("{msg} {bytes}/{total_bytes} {wide_bar} {bytes_per_sec} {eta}")?;
    let bar = ProgressBar::no_length().with_style(style);
    let new = wengert_data::fetch(info, &target, &mut |progress| {
        if bar.message() != progress.url {
            bar.set_message(progress.url.to_owned());
            bar.set_length(progress.total.unwrap_or(0));
        }
        bar.set_position(progress.received);
    });
    bar.finish_and_clear();
    let new = new?;
    for place in &new {
        writeln!(out, "verified {}", place.display())?;
    }
    if new.is_empty() {
        writeln!(out, "{name} is there already, complete and intact: {}", target.join(name).display())?;
    }
    Ok(())
}

#[cfg(not(feature = "fetch"))]
fn fetch(name: &str, _out: &mut impl Write) -> Result<()> {
    let info = dataset_info(name)?;
    bail!(
        "this wengert was built without downloading; build it with `--features fetch`, or\n{}",
        wengert_data::how_to_get_by_hand(info)
    )
}

fn own_folder() -> Result<PathBuf> {
    user_folder().context("there is no folder for your data: set HOME or XDG_DATA_HOME to an absolute path")
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}
