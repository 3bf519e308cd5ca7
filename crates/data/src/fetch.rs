//! Downloads data sets from public mirrors. Nothing that is not known by its SHA-256 leaves the temporary file.

use crate::catalogue::{DatasetInfo, Download};
use crate::error::{Error, Result};
use crate::import::import_file;
use crate::load::how_to_get_by_hand;
use crate::verify::{FileStatus, verify_folder};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::NamedTempFile;
use ureq::Agent;

const CONNECT: Duration = Duration::from_secs(15);
/// A mirror that sends nothing for so long is given up.
const SILENCE: Duration = Duration::from_secs(30);

/// How far a download has come.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// The address.
    pub url: &'a str,
    /// Bytes received.
    pub received: u64,
    /// Bytes in all, where the mirror says so.
    pub total: Option<u64>,
}

/// Downloads what is missing or wrong of `info` in `target`, a folder of data sets, and returns the files that are new.
/// `progress` is called for every piece received.
///
/// # Errors
/// When no mirror is known, none gave the right content, or `target` cannot be written.
pub fn fetch(
    info: &'static DatasetInfo,
    target: impl AsRef<Path>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Vec<PathBuf>> {
    let target = target.as_ref();
    if info.downloads.is_empty() {
        let attempts = vec!["  no mirror has it in this form".to_owned()];
        return Err(Error::Download { name: info.name.to_owned(), attempts, mend: how_to_get_by_hand(info) });
    }
    let folder = target.join(info.name);
    std::fs::create_dir_all(&folder).map_err(|error| Error::io("create", &folder, error))?;
    let agent = agent();
    let mut new = Vec::new();
    for download in info.downloads {
        if !is_complete(info, &folder, download) {
            new.extend(from_any_mirror(info, download, target, &agent, progress)?);
        }
    }
    Ok(new)
}

/// Whether all files of the download lie in `folder`, intact.
fn is_complete(info: &'static DatasetInfo, folder: &Path, download: &Download) -> bool {
    let intact = |status: &FileStatus| matches!(status, FileStatus::Published | FileStatus::SameContent);
    let reports = verify_folder(info, folder);
    reports
        .iter()
        .filter(|report| download.files.contains(&report.file.name))
        .all(|report| intact(&report.status))
}

fn from_any_mirror(
    info: &'static DatasetInfo,
    download: &Download,
    target: &Path,
    agent: &Agent,
    progress: &mut dyn FnMut(Progress),
) -> Result<Vec<PathBuf>> {
    let mut attempts = Vec::new();
    let mut unreachable = 0;
    for url in download.urls {
        // Beside its destination, so that a full disk shows here; removed when dropped.
        let folder = target.join(info.name);
        let mut file =
            NamedTempFile::new_in(&folder).map_err(|error| Error::io("write to", &folder, error))?;
        let failure = match receive(agent, url, download.most_bytes, &mut file, progress) {
            Ok(()) => match accept(info, download, file.path(), target)? {
                Ok(places) => return Ok(places),
                Err(reason) => reason,
            },
            Err(Failure::Write(error)) => return Err(Error::io("write to", &folder, error)),
            Err(Failure::Unreachable(reason)) => {
                unreachable += 1;
                reason
            }
            Err(Failure::Refused(reason)) => reason,
        };
        attempts.push(format!("  {url}: {failure}"));
    }
    if unreachable == download.urls.len() {
        attempts.push("  no mirror can be reached: is there a network?".to_owned());
    }
    Err(Error::Download { name: info.name.to_owned(), attempts, mend: how_to_get_by_hand(info) })
}

/// Puts a downloaded file into place, or says why it is not what it should be.
fn accept(
    info: &DatasetInfo,
    download: &Download,
    file: &Path,
    target: &Path,
) -> Result<std::result::Result<Vec<PathBuf>, String>> {
    let imported = match import_file(file, target) {
        Ok(imported) => imported,
        Err(Error::Format { found, .. }) => return Ok(Err(format!("sent {found}"))),
        Err(other) => return Err(other),
    };
    let has = |name: &&str| {
        imported.iter().any(|(known, _)| known.info.name == info.name && known.file.name == *name)
    };
    if download.files.iter().all(has) {
        Ok(Ok(imported.into_iter().map(|(_, place)| place).collect()))
    } else {
        Ok(Err("sent a file whose SHA-256 is not the published one".to_owned()))
    }
}

/// Why a mirror did not give its file.
enum Failure {
    /// No answer at all.
    Unreachable(String),
    /// An answer, but not the file.
    Refused(String),
    /// The file could not be kept.
    Write(std::io::Error),
}

fn agent() -> Agent {
    let config = Agent::config_builder()
        .timeout_connect(Some(CONNECT))
        .timeout_recv_response(Some(SILENCE))
        .timeout_per_read(Some(SILENCE))
        .user_agent(concat!("wengert/", env!("CARGO_PKG_VERSION")));
    Agent::new_with_config(config.build())
}

fn receive(
    agent: &Agent,
    url: &str,
    most_bytes: u64,
    file: &mut NamedTempFile,
    progress: &mut dyn FnMut(Progress),
) -> std::result::Result<(), Failure> {
    let response = agent.get(url).call().map_err(|error| match error {
        ureq::Error::StatusCode(_) => Failure::Refused(error.to_string()),
        _ => Failure::Unreachable(error.to_string()),
    })?;
    let body = response.into_body();
    let total = body.content_length();
    let too_large =
        || Failure::Refused(format!("sends more than the {most_bytes} bytes of the published file"));
    if total.is_some_and(|total| total > most_bytes) {
        return Err(too_large());
    }
    let mut body = body.into_with_config().limit(u64::MAX).reader().take(most_bytes + 1);
    let mut buffer = vec![0; 1 << 16];
    let mut received = 0;
    progress(Progress { url, received, total });
    loop {
        let count =
            body.read(&mut buffer).map_err(|error| Failure::Refused(format!("broke off ({error})")))?;
        if count == 0 {
            return file.flush().map_err(Failure::Write);
        }
        received += count as u64;
        if received > most_bytes {
            return Err(too_large());
        }
        file.write_all(&buffer[..count]).map_err(Failure::Write)?;
        progress(Progress { url, received, total });
    }
}
