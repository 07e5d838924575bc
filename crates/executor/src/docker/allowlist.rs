//! Which images a provider runs.

use std::{fmt, str::FromStr};

use aiigo_task::{ImageReference, Sha256Digest};

/// The images that a provider runs. An empty list allows none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageAllowlist(Vec<ImagePattern>);

/// One image (`name@sha256:…`), or every image of a repository (`name@*`). The name is taken in full: `busybox` is
/// `docker.io/library/busybox`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImagePattern {
    repository: String,
    /// `None`: any.
    digest: Option<Sha256Digest>,
}

/// A text that is no pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}; expected an image as name@sha256:…, or name@* for every image of a repository")]
pub struct PatternError(String);

impl ImageAllowlist {
    /// Whether an image may run.
    pub fn allows(&self, image: &ImageReference) -> bool {
        self.0.iter().any(|pattern| pattern.allows(image))
    }

    /// Whether it allows none at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<ImagePattern> for ImageAllowlist {
    fn from_iter<I: IntoIterator<Item = ImagePattern>>(patterns: I) -> Self {
        Self(patterns.into_iter().collect())
    }
}

impl ImagePattern {
    /// Whether it is an image that is meant.
    pub fn allows(&self, image: &ImageReference) -> bool {
        self.repository == image.repository() && self.digest.is_none_or(|digest| digest == image.digest())
    }
}

impl FromStr for ImagePattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        if let Some(name) = text.strip_suffix("@*") {
            ImageReference::check_name(name).map_err(|error| PatternError(error.to_string()))?;
            return Ok(Self { repository: ImageReference::full_name(name), digest: None });
        }
        let image: ImageReference =
            text.parse().map_err(|error: aiigo_task::ImageError| PatternError(error.to_string()))?;
        Ok(Self { repository: image.repository(), digest: Some(image.digest()) })
    }
}

impl fmt::Display for ImagePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.digest {
            Some(digest) => write!(f, "{}@sha256:{digest}", self.repository),
            None => write!(f, "{}@*", self.repository),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    const B: &str = "sha256:93a44bbb96c751218e4c00d479e4c14358122a389acca16205b1e4d0dc5f9476";

    fn allowed(patterns: &[&str], image: &str) -> bool {
        let list: ImageAllowlist = patterns.iter().map(|pattern| pattern.parse().unwrap()).collect();
        list.allows(&image.parse().unwrap())
    }

    #[test]
    fn an_empty_list_allows_nothing() {
        assert!(!allowed(&[], &format!("busybox@{A}")));
    }

    #[test]
    fn an_image_is_allowed_by_name_and_digest_or_by_its_repository() {
        let image = format!("busybox@{A}");
        assert!(allowed(&[&image], &image));
        assert!(allowed(&[&format!("docker.io/library/busybox@{A}")], &image), "the same name in full");
        assert!(!allowed(&[&format!("busybox@{B}")], &image), "another digest");
        assert!(!allowed(&[&format!("ghcr.io/busybox@{A}")], &image), "another registry");
        assert!(allowed(&["ghcr.io/a/b@*"], &format!("ghcr.io/a/b@{B}")));
        for other in ["ghcr.io/a/bc", "ghcr.io/a", "ghcr.io/a/b/c", "docker.io/a/b"] {
            assert!(!allowed(&["ghcr.io/a/b@*"], &format!("{other}@{B}")), "{other}");
        }
    }

    #[test]
    fn a_pattern_never_allows_more_than_one_repository() {
        for pattern in ["*", "@*", "*@*", "ghcr.io/*@*", "a", "a:1", "a@", &format!("a:1@{A}"), "a:1@*"] {
            assert!(pattern.parse::<ImagePattern>().is_err(), "{pattern}");
        }
    }
}
