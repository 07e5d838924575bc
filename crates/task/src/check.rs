//! Checks that spec, manifest and job share, and the error of a document that fails them.

use std::{collections::BTreeMap, fmt::Display};

use crate::{canonical::MAX_DOCUMENT_BYTES, path::GuestPath};

/// Most files in one list.
pub(crate) const MAX_FILES: usize = 256;
/// Most arguments, and most environment variables.
pub(crate) const MAX_STRINGS: usize = 256;
/// Arguments and environment together, bytes.
pub(crate) const MAX_STRING_BYTES: usize = 64 << 10;
/// Longest name of a job, characters.
pub(crate) const MAX_NAME_CHARS: usize = 64;

/// Why a spec or a manifest is refused.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// It is longer than any valid one.
    #[error("the {kind} has {size} bytes; at most {MAX_DOCUMENT_BYTES} are read")]
    TooLarge {
        /// Task spec or result manifest.
        kind: &'static str,
        /// Its size in bytes.
        size: usize,
    },
    /// It is not JSON of the expected form.
    #[error("the {kind} is malformed: {source}")]
    Malformed {
        /// Task spec or result manifest.
        kind: &'static str,
        /// Where and why.
        source: serde_json::Error,
    },
    /// A value breaks a rule.
    #[error("the {kind} is invalid: {field}: {reason}")]
    Invalid {
        /// Task spec or result manifest.
        kind: &'static str,
        /// The field, such as `inputs[2].path`.
        field: String,
        /// The rule and the value.
        reason: String,
    },
    /// Its hash is not the one that was promised.
    #[error("the {kind} hashes to {actual}, but {expected} was promised")]
    WrongHash {
        /// Task spec or result manifest.
        kind: &'static str,
        /// The hash on the chain.
        expected: alloy::primitives::B256,
        /// The hash of what was received.
        actual: alloy::primitives::B256,
    },
}

/// A field and why it is refused.
pub(crate) type Fault = (String, String);

pub(crate) fn fault(field: impl Display, reason: impl Display) -> Fault {
    (field.to_string(), reason.to_string())
}

impl DocumentError {
    pub(crate) fn invalid(kind: &'static str) -> impl Fn(Fault) -> Self {
        move |(field, reason)| Self::Invalid { kind, field, reason }
    }
}

pub(crate) fn name(text: &str) -> Result<(), String> {
    match text.chars().count() {
        0 => Err("is empty".into()),
        1..=MAX_NAME_CHARS if text.trim() != text => Err("begins or ends with white space".into()),
        1..=MAX_NAME_CHARS if !text.chars().any(is_hidden) => Ok(()),
        1..=MAX_NAME_CHARS => Err("contains a control or invisible character".into()),
        chars => Err(format!("has {chars} characters; at most {MAX_NAME_CHARS} are allowed")),
    }
}

/// Characters that would make text look like other text in a terminal: controls, and Unicode's invisible and
/// direction-changing format characters.
pub(crate) fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

pub(crate) fn argument(text: &str) -> Result<(), String> {
    if text.contains('\0') { Err("contains a NUL character".into()) } else { Ok(()) }
}

pub(crate) fn variable(name: &str, value: &str) -> Result<(), String> {
    if name.is_empty() || name.contains(['=', '\0']) || name.chars().any(is_hidden) {
        return Err("the name of a variable must not be empty, and has no `=` and no control character".into());
    }
    argument(value)
}

/// Arguments and environment as a whole; each has been checked alone.
pub(crate) fn strings(args: &[String], env: &BTreeMap<String, String>) -> Result<(), Fault> {
    for (field, count) in [("args", args.len()), ("env", env.len())] {
        if count > MAX_STRINGS {
            return Err(fault(field, format!("has {count} entries; at most {MAX_STRINGS} are allowed")));
        }
    }
    let bytes: usize = args.iter().map(String::len).sum::<usize>()
        + env.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>();
    if bytes > MAX_STRING_BYTES {
        let reason = format!("arguments and environment have {bytes} bytes; at most {MAX_STRING_BYTES} are allowed");
        return Err(fault("args", reason));
    }
    Ok(())
}

/// No two of the paths are equal or one inside the other, as a file system without upper and lower case would see it.
///
/// # Errors
/// With the index of the later of two paths in conflict.
pub(crate) fn disjoint<'a>(paths: impl IntoIterator<Item = &'a GuestPath>) -> Result<(), (usize, String)> {
    let mut files: BTreeMap<String, &GuestPath> = BTreeMap::new();
    let mut folders: BTreeMap<String, &GuestPath> = BTreeMap::new();
    for (index, path) in paths.into_iter().enumerate() {
        let folded = path.as_str().to_lowercase();
        if let Some(other) = files.get(&folded) {
            return Err((index, format!("`{path}` is there twice (the other is `{other}`)")));
        }
        if let Some(other) = folders.get(&folded) {
            return Err((index, format!("`{path}` is a file here and a folder in `{other}`")));
        }
        for (end, _) in folded.match_indices('/') {
            if let Some(other) = files.get(&folded[..end]) {
                return Err((index, format!("`{path}` lies inside `{other}`, which is a file")));
            }
            folders.entry(folded[..end].to_owned()).or_insert(path);
        }
        files.insert(folded, path);
    }
    Ok(())
}

pub(crate) fn count(field: &str, count: usize) -> Result<(), Fault> {
    if count > MAX_FILES {
        return Err(fault(field, format!("has {count} files; at most {MAX_FILES} are allowed")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(paths: &[&str]) -> Result<(), (usize, String)> {
        let paths: Vec<GuestPath> = paths.iter().map(|path| path.parse().unwrap()).collect();
        disjoint(&paths)
    }

    #[test]
    fn siblings_do_not_collide() {
        check(&["a", "b/c", "b/d", "ab"]).unwrap();
    }

    #[test]
    fn a_path_twice_is_refused_even_in_other_case() {
        assert_eq!(check(&["a", "b", "A"]).unwrap_err().0, 2);
    }

    #[test]
    fn a_file_can_not_be_a_folder_too() {
        assert_eq!(check(&["a/b", "a"]).unwrap_err().0, 1);
        assert_eq!(check(&["a", "a/b/c"]).unwrap_err().0, 1);
    }
}
