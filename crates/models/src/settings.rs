//! Layers of settings: defaults, then a configuration file, then single keys, each checked as it is laid on.

use crate::config::{Config, from_table};
use crate::registry::{self, Entry};
use crate::suggest::did_you_mean;
use crate::{Error, Result};
use std::collections::BTreeMap;
use std::path::Path;
use toml::{Table, Value};

/// The settings of a run while they are gathered.
///
/// Every key that exists is present from the start with its default, so an unknown key, or a value of another type, is
/// found where it is given and the message can name that place.
#[derive(Debug, Clone)]
pub struct Settings {
    table: Table,
    entry: &'static Entry,
    /// Where each key was last set, so that a range error can say it.
    origins: BTreeMap<String, String>,
}

impl Settings {
    /// The defaults for a model of the registry.
    pub fn new(entry: &'static Entry) -> Settings {
        Settings { table: Config::defaults(entry).to_table(), entry, origins: BTreeMap::new() }
    }

    /// Lays the keys of a TOML file over the settings.
    pub fn apply_file(&mut self, path: &Path) -> Result<()> {
        let table = read_toml(path)?;
        self.apply_table(table, path)
    }

    /// Lays a parsed file over the settings; `path` is for messages.
    pub fn apply_table(&mut self, mut table: Table, path: &Path) -> Result<()> {
        table.remove("version");
        if let Some(found) =
            table.get("model").and_then(Value::as_str).filter(|&name| name != self.entry.name)
        {
            let detail =
                format!("the file is for the model `{found}`, and the run is for `{}`", self.entry.name);
            return Err(Error::file(path, detail));
        }
        let origin = path.display().to_string();
        self.origins.extend(keys(&table).into_iter().map(|key| (key, origin.clone())));
        merge(&mut self.table, table, "", &origin)
    }

    /// Sets a dotted key from the command line: the value is read as TOML where the key takes a number or a truth
    /// value, and taken as it stands where the key takes text. `origin` is the flag, for messages.
    pub fn set(&mut self, key: &str, text: &str, origin: &str) -> Result<()> {
        let slot = find(&mut self.table, key);
        let Some(slot) = slot else {
            let known = keys(&self.table);
            let hint = did_you_mean(key, known.iter().map(String::as_str));
            return Err(Error::setting(format!(
                "{origin}: the model `{}` has no setting `{key}`{hint}",
                self.entry.name
            )));
        };
        let value = match slot {
            Value::String(_) => Value::String(text.into()),
            _ => format!("value = {text}")
                .parse::<Table>()
                .ok()
                // A value with a line break could bring further keys along, which nobody would look at.
                .filter(|table| table.len() == 1)
                .and_then(|mut table| table.remove("value"))
                .unwrap_or_else(|| Value::String(text.into())),
        };
        self.origins.insert(key.into(), origin.into());
        assign(slot, value, key, origin)
    }

    /// Sets the data set by its name, or the folder where it lies. `origin` is the flag, for messages.
    pub fn set_data(&mut self, data: &str, origin: &str) -> Result<()> {
        let known = wengert_data::catalogue();
        if known.iter().any(|info| info.name == data) {
            return self.set("data.name", data, origin);
        }
        if Path::new(data).is_dir() {
            let folder = std::fs::canonicalize(data).map_err(|error| Error::io(data, error))?;
            return self.set("data.directory", &folder.to_string_lossy(), origin);
        }
        let names: Vec<&str> = known.iter().map(|info| info.name).collect();
        let hint = did_you_mean(data, names.iter().copied());
        Err(Error::setting(format!(
            "{origin}: `{data}` is neither a data set ({}) nor a folder{hint}",
            names.join(", ")
        )))
    }

    /// The configuration, once everything has been laid on.
    pub fn resolve(&self) -> Result<Config> {
        let mut config: Config = from_table("", &self.table)?;
        if let Some(Value::Table(options)) = self.table.get(self.entry.name) {
            config.options = options.clone();
        }
        config.validate().and_then(|()| (self.entry.check)(&config.options)).map_err(
            |error| match error {
                Error::Range { key, detail } => match self.origins.get(&key) {
                    Some(origin) => Error::setting(format!("{origin}: {key} {detail}")),
                    None => Error::Range { key, detail },
                },
                other => other,
            },
        )?;
        Ok(config)
    }
}

/// The configuration of a run that exists, from its `config.toml`.
pub fn read_config(path: &Path) -> Result<Config> {
    let table = read_toml(path)?;
    let Some(model) = table.get("model").and_then(Value::as_str) else {
        return Err(Error::file(path, "no key `model`; a run's config.toml names its model"));
    };
    let entry = registry::find(model).map_err(|error| Error::file(path, error.to_string()))?;
    let mut settings = Settings::new(entry);
    settings.apply_table(table, path)?;
    settings.resolve().map_err(|error| Error::file(path, error.to_string()))
}

/// The first key in which two configurations differ so that one run cannot continue the other, with both values.
pub fn first_conflict(old: &Config, new: &Config) -> Option<(String, String, String)> {
    let (mut old, mut new) = (old.identity(), new.identity());
    keys(&new).into_iter().find_map(|key| {
        let found = |table: &mut Table| find(table, &key).map_or("absent".into(), |value| value.to_string());
        let (before, after) = (found(&mut old), found(&mut new));
        (before != after).then_some((key, before, after))
    })
}

/// Reads a TOML file; a mistake in it is told with its line.
pub fn read_toml(path: &Path) -> Result<Table> {
    let kind = std::fs::metadata(path).map_err(|e| Error::io(path, e))?;
    if !kind.is_file() {
        // Reading a device or a pipe might never end.
        return Err(Error::file(
            path,
            "is not a regular file; a TOML file was expected, such as a run's config.toml",
        ));
    }
    let text = String::from_utf8(std::fs::read(path).map_err(|e| Error::io(path, e))?);
    let text = text.map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Error::file(
            path,
            format!("byte {at} is not UTF-8; a TOML file was expected, such as a run's config.toml"),
        )
    })?;
    text.parse::<Table>().map_err(|error| {
        let line =
            error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        let message = error.message().trim().replace('\n', ", ");
        Error::file(path, format!("line {line} is not TOML: {message}"))
    })
}

/// Every dotted key of a table that holds a value.
fn keys(table: &Table) -> Vec<String> {
    table
        .iter()
        .flat_map(|(name, value)| match value {
            Value::Table(inner) => keys(inner).into_iter().map(|key| format!("{name}.{key}")).collect(),
            _ => vec![name.clone()],
        })
        .collect()
}

fn find<'a>(table: &'a mut Table, key: &str) -> Option<&'a mut Value> {
    match key.split_once('.') {
        Some((section, rest)) => table.get_mut(section)?.as_table_mut().and_then(|inner| find(inner, rest)),
        None => table.get_mut(key).filter(|value| !value.is_table()),
    }
}

fn merge(base: &mut Table, over: Table, prefix: &str, origin: &str) -> Result<()> {
    for (name, value) in over {
        let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        match (base.get_mut(&name), value) {
            (None, _) => {
                let hint = did_you_mean(&name, base.keys().map(String::as_str));
                return Err(Error::setting(format!("{origin}: unknown setting `{key}`{hint}")));
            }
            (Some(Value::Table(inner)), Value::Table(value)) => merge(inner, value, &key, origin)?,
            (Some(slot), value) => assign(slot, value, &key, origin)?,
        }
    }
    Ok(())
}

/// Replaces a value by one of the same type.
fn assign(slot: &mut Value, value: Value, key: &str, origin: &str) -> Result<()> {
    let refuse =
        |wanted: &str| Err(Error::setting(format!("{origin}: {key} must be {wanted}, found {value}")));
    *slot = match (&*slot, &value) {
        (Value::Integer(_), Value::Integer(number)) if *number < 0 => return refuse("0 or more"),
        (Value::Float(_), Value::Float(number)) if !number.is_finite() => return refuse("a finite number"),
        (Value::Float(_), Value::Integer(number)) => Value::Float(*number as f64),
        (old, new) if old.same_type(new) => value,
        (Value::Integer(_), _) => return refuse("a whole number"),
        (Value::Float(_), _) => return refuse("a number"),
        (Value::Boolean(_), _) => return refuse("true or false"),
        (Value::Table(_), _) => return refuse("a section"),
        (old, _) => return refuse(&format!("a {}", old.type_str())),
    };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings::new(registry::find("vae").unwrap())
    }

    fn message(result: Result<impl std::fmt::Debug>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn layers_cover_one_another() {
        let mut settings = settings();
        let file: Table = "seed = 3\n[train]\nbatch = 64\n[vae]\nlatent = 10\nbeta = 2".parse().unwrap();
        settings.apply_table(file, Path::new("my.toml")).unwrap();
        settings.set("vae.latent", "2", "--latent").unwrap();
        settings.set("data.name", "fashion-mnist", "--data").unwrap();
        let config = settings.resolve().unwrap();
        assert_eq!((config.seed, config.train.batch, config.train.epochs), (3, 64, 10));
        assert_eq!(config.data.name, "fashion-mnist");
        assert_eq!(config.options["latent"].as_integer(), Some(2));
        assert_eq!(config.options["beta"].as_float(), Some(2.0), "a whole number is good for a float");
    }

    #[test]
    fn a_value_brings_no_other_keys_along() {
        let mut settings = settings();
        let error = settings
            .set("train.batch", "5\nepochs = 3", "--set")
            .and_then(|()| settings.resolve().map(|_| ()));
        assert!(error.is_err());
    }

    #[test]
    fn a_configuration_reads_back_from_its_file() {
        let mut settings = settings();
        settings.set("train.steps", "7", "--steps").unwrap();
        let config = settings.resolve().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        std::fs::write(&path, config.to_toml()).unwrap();
        assert_eq!(read_config(&path).unwrap(), config);
    }

    #[test]
    fn mistakes_name_their_place_and_the_mend() {
        let mut s = settings();
        assert!(message(s.set("latent", "3", "--set")).contains("did you mean `vae.latent`"));
        assert!(
            message(s.set("train.batch", "many", "--set")).contains("must be a whole number, found \"many\"")
        );
        assert!(message(s.set("train.batch", "-1", "--set")).contains("0 or more"));
        assert!(message(s.set("vae.beta", "nan", "--beta")).contains("finite"));
        let file = |text: &str| text.parse::<Table>().unwrap();
        let path = Path::new("my.toml");
        assert_eq!(
            message(s.apply_table(file("[train]\nepoch = 3"), path)),
            "my.toml: unknown setting `train.epoch`; did you mean `epochs`?"
        );
        assert!(message(s.apply_table(file("model = \"dcgan\""), path)).contains("`dcgan`"));
        assert!(message(s.apply_table(file("train = 3"), path)).contains("a section"));
        s.set("vae.latent", "0", "--latent").unwrap();
        assert_eq!(message(s.resolve()), "--latent: vae.latent is 0; it must be from 1 to 4096");
    }

    #[test]
    fn a_broken_file_is_told_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("broken.toml");
        std::fs::write(&path, "seed = 1\nseed = = 2\n").unwrap();
        assert!(message(read_toml(&path)).contains("line 2 is not TOML"));
    }

    #[test]
    fn only_what_decides_the_bits_is_a_conflict() {
        let old = settings().resolve().unwrap();
        let mut new = old.clone();
        new.train.epochs = 20;
        new.train.threads = 3;
        assert_eq!(first_conflict(&old, &new), None);
        new.seed = 1;
        assert_eq!(first_conflict(&old, &new), Some(("seed".into(), "0".into(), "1".into())));
    }
}
