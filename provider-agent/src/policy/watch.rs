//! The policy in a file that may change at any time.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use aiigo_executor::ImagePattern;
use aiigo_protocol::ResourceType;

use super::{Policy, TEMPLATE};
use crate::error::{AgentError, Context};

/// A policy file, read again when it changes; a mistake in it leaves the last good policy in force.
#[derive(Debug)]
pub(crate) struct PolicyFile {
    path: PathBuf,
    /// Allowed beside those of the file.
    images: Vec<ImagePattern>,
    read: Mutex<Read>,
}

#[derive(Debug)]
struct Read {
    /// What was taken in last.
    text: String,
    /// What the last look found.
    seen: Option<Result<String, String>>,
    policy: Arc<Policy>,
    /// What is wrong with the text.
    mistake: Option<String>,
    /// Why there is no text.
    unreadable: Option<String>,
}

impl Read {
    fn mistake(&self) -> Option<String> {
        self.unreadable.as_ref().or(self.mistake.as_ref()).cloned()
    }
}

/// What reading the file again found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// What was there before.
    None,
    /// Another policy is in force.
    Policy,
    /// A mistake: the policy before stays.
    Mistake(String),
}

impl PolicyFile {
    /// Reads the policy; no file stands for the defaults.
    ///
    /// # Errors
    /// If the file can't be read, or has a mistake in it: at the start somebody is there to mend it.
    pub(crate) fn open(path: &Path) -> Result<Self, AgentError> {
        let text = match fs::read_to_string(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            read => read.context(format!("cannot read the policy {}", path.display()))?,
        };
        let policy = text.parse().context(format!("the policy {} is wrong", path.display()))?;
        let policy = Arc::new(policy);
        let read = Mutex::new(Read { text, seen: None, policy, mistake: None, unreadable: None });
        Ok(Self { path: path.to_owned(), images: Vec::new(), read })
    }

    /// Allows these images too, whatever the file says.
    #[must_use]
    pub(crate) fn allowing(mut self, images: Vec<ImagePattern>) -> Self {
        self.images = images;
        let policy = self.completed(Policy::clone(&self.policy()));
        self.lock().policy = Arc::new(policy);
        self
    }

    fn completed(&self, mut policy: Policy) -> Policy {
        policy.images.extend(self.images.iter().cloned());
        policy
    }

    /// Writes the file with all defaults and what they mean, unless there is one.
    pub(crate) fn write_template(path: &Path) -> Result<bool, AgentError> {
        write_new(path, TEMPLATE)
    }

    /// The same with a lowest price for a resource, ETH an hour.
    pub(crate) fn write_with_floor(path: &Path, resource: ResourceType, floor: &str) -> Result<bool, AgentError> {
        let none = "floor = { CPU = \"0\", GPU = \"0\" }";
        write_new(path, &TEMPLATE.replacen(none, &format!("floor = {{ {} = \"{floor}\" }}", resource.name()), 1))
    }

    /// The policy in force.
    pub(crate) fn policy(&self) -> Arc<Policy> {
        Arc::clone(&self.lock().policy)
    }

    /// What is wrong with the file as it is now.
    pub(crate) fn mistake(&self) -> Option<String> {
        self.lock().mistake()
    }

    /// Reads the file again. It is small, and this happens once a block. What is found counts when it is found twice: it
    /// may be written at this moment.
    pub(crate) fn refresh(&self) -> Change {
        let mut known = self.lock();
        let found = match fs::read_to_string(&self.path) {
            // At the start none stands for the defaults; but who loses the file did not mean to allow everything.
            Err(error) if error.kind() == io::ErrorKind::NotFound && known.text.is_empty() => Ok(String::new()),
            found => found.map_err(|error| format!("{error}: what it said last stays in force")),
        };
        if known.seen.as_ref() != Some(&found) {
            known.seen = Some(found);
            return Change::None;
        }
        let before = (Arc::clone(&known.policy), known.mistake());
        known.unreadable = found.as_ref().err().cloned();
        if let Ok(text) = found
            && text != known.text
        {
            match text.parse::<Policy>() {
                Ok(policy) => (known.policy, known.mistake) = (Arc::new(self.completed(policy)), None),
                Err(fault) => known.mistake = Some(fault.to_string()),
            }
            known.text = text;
        }
        match known.mistake() {
            mistake if (&known.policy, &mistake) == (&before.0, &before.1) => Change::None,
            Some(mistake) => Change::Mistake(mistake),
            None => Change::Policy,
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Read> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn write_new(path: &Path, text: &str) -> Result<bool, AgentError> {
    let what = || format!("cannot write the policy {}", path.display());
    match fs::File::create_new(path) {
        Ok(mut file) => io::Write::write_all(&mut file, text.as_bytes()).context(what()).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error).context(what()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two looks.
    fn changed(file: &PolicyFile) -> Change {
        assert_eq!(file.refresh(), Change::None, "it may be being written");
        file.refresh()
    }

    #[test]
    fn a_changed_file_is_read_again_and_a_mistake_changes_nothing() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("policy.toml");
        let file = PolicyFile::open(&path).expect("no file is fine");
        assert_eq!((&*file.policy(), file.refresh()), (&Policy::default(), Change::None));

        fs::write(&path, "[price]\nmin-profit = 1\n").expect("written");
        assert_eq!(changed(&file), Change::Policy);
        assert_eq!((file.policy().min_profit, file.refresh()), (1, Change::None));

        fs::write(&path, "[price]\nmin-profit = many\n").expect("written");
        assert!(matches!(changed(&file), Change::Mistake(mistake) if mistake.starts_with("line 2")));
        assert_eq!((file.policy().min_profit, file.refresh()), (1, Change::None));
        assert!(file.mistake().is_some());
        assert!(PolicyFile::open(&path).is_err_and(|error| error.full().contains("line 2")));

        fs::write(&path, "[price]\nmin-profit = 1\n").expect("written");
        assert_eq!((changed(&file), file.mistake()), (Change::Policy, None));
    }

    #[test]
    fn a_file_that_is_being_saved_or_is_gone_allows_nothing_new() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("policy.toml");
        fs::write(&path, "[price]\nmin-profit = 1\n").expect("written");
        let file = PolicyFile::open(&path).expect("read");
        assert_eq!((file.refresh(), file.refresh()), (Change::None, Change::None));
        // As editors save: emptied, then written; or moved away and made anew.
        fs::write(&path, "").expect("emptied");
        assert_eq!(file.refresh(), Change::None);
        fs::remove_file(&path).expect("gone");
        assert_eq!(file.refresh(), Change::None);
        fs::write(&path, "[price]\nmin-profit = 2\n").expect("written");
        assert_eq!((changed(&file), file.policy().min_profit), (Change::Policy, 2));

        fs::remove_file(&path).expect("gone");
        assert!(matches!(changed(&file), Change::Mistake(mistake) if mistake.contains("stays in force")));
        assert_eq!(file.policy().min_profit, 2);
        fs::write(&path, "[price]\nmin-profit = 2\n").expect("as before");
        assert_eq!((changed(&file), file.mistake()), (Change::Policy, None));
    }

    #[test]
    fn a_providers_file_is_never_replaced_by_the_template() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("policy.toml");
        assert!(PolicyFile::write_template(&path).expect("written"));
        assert_eq!(*PolicyFile::open(&path).expect("read").policy(), Policy::default());
        fs::write(&path, "[price]\nmin-profit = 1\n").expect("written");
        assert!(!PolicyFile::write_template(&path).expect("left alone"));
        assert_eq!(PolicyFile::open(&path).expect("read").policy().min_profit, 1);
    }

    #[test]
    fn a_lowest_price_can_be_written_with_the_template() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("policy.toml");
        assert!(PolicyFile::write_with_floor(&path, ResourceType::GPU, "0.25").expect("written"));
        let policy = PolicyFile::open(&path).expect("read").policy();
        assert_eq!(policy.floor_of(ResourceType::GPU as u8).to_string(), "250000000000000000");
        assert!(policy.floor_of(ResourceType::CPU as u8).is_zero());
    }

    #[test]
    fn images_of_the_command_line_stay_allowed() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("policy.toml");
        let image = |name: &str| name.parse::<ImagePattern>().expect("a pattern");
        let policy = PolicyFile::open(&path).expect("defaults").allowing(vec![image("a/b@*")]);
        assert_eq!(policy.policy().images, [image("a/b@*")]);
        fs::write(&path, "images.allow = ['c/d@*']").expect("written");
        assert_eq!(changed(&policy), Change::Policy);
        assert_eq!(policy.policy().images, [image("c/d@*"), image("a/b@*")]);
    }
}
