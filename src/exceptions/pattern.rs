//! What the fields of `match` are compared with. Each glob is compiled once, when the config is read.

use globset::{GlobBuilder, GlobMatcher};
use pullaudit_core::is_caseless;
use uuid::Uuid;

/// Signs that make a glob of a word.
const SIGNS: [char; 4] = ['*', '?', '[', '{'];

/// A word or a glob.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    pub(super) text: String,
    glob: GlobMatcher,
    folded: GlobMatcher,
}

impl Pattern {
    /// Reads a pattern; the error says what is wrong with it.
    pub(super) fn new(text: &str) -> Result<Self, String> {
        let compile = |caseless: bool| {
            #[cfg(test)]
            super::tests::COMPILED.with(|count| count.set(count.get() + 1));
            let glob = GlobBuilder::new(text).case_insensitive(caseless).build();
            glob.map(|glob| glob.compile_matcher())
                .map_err(|error| format!("{text:?} is not a pattern: {}", error.kind()))
        };
        if text.is_empty() {
            return Err("is empty: leave the key out to match everything".to_owned());
        }
        Ok(Self { text: text.to_owned(), glob: compile(false)?, folded: compile(true)? })
    }

    /// Returns true if the text is this word, or fits the glob.
    pub(super) fn is(&self, text: &str) -> bool {
        #[cfg(test)]
        super::tests::COMPARED.with(|count| count.set(count.get() + 1));
        text == self.text || self.glob.is_match(text)
    }

    /// The same without regard to case.
    pub(super) fn is_folded(&self, text: &str) -> bool {
        #[cfg(test)]
        super::tests::COMPARED.with(|count| count.set(count.get() + 1));
        self.folded.is_match(text)
    }

    /// Compares with the id of something and with its name, as its cloud does: Azure compares neither with case.
    pub(super) fn names(&self, id: &str, name: &str) -> bool {
        let caseless = is_caseless(id) || Uuid::try_parse(id).is_ok();
        if caseless { self.is_folded(id) || self.is_folded(name) } else { self.is(id) || self.is(name) }
    }

    /// True where the text is a glob.
    pub(super) fn is_glob(&self) -> bool {
        self.text.contains(SIGNS)
    }
}

/// An image as an exception writes it: a name, and a tag and a digest where they are written.
#[derive(Clone, Debug)]
pub(super) struct ImagePattern {
    /// As written, for images that do not parse.
    written: Pattern,
    name: Pattern,
    tag: Option<Pattern>,
    digest: Option<Pattern>,
}

/// What of a check an image pattern looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Image<'a> {
    pub(super) written: &'a str,
    pub(super) name: Option<(&'a str, &'a str)>,
    pub(super) tag: Option<&'a str>,
    pub(super) digest: Option<&'a str>,
}

impl ImagePattern {
    pub(super) fn new(text: &str) -> Result<Self, String> {
        let (rest, digest) = split_outside(text, '@', 0);
        let path = rest.rfind('/').map_or(0, |slash| slash + 1);
        let (name, tag) = split_outside(rest, ':', path);
        let part = |part: Option<&str>| part.map(Pattern::new).transpose();
        Ok(Self {
            written: Pattern::new(text)?,
            name: Pattern::new(&normalised(name)?)?,
            tag: part(tag)?,
            digest: part(digest)?,
        })
    }

    pub(super) fn is(&self, image: &Image<'_>) -> bool {
        let Some((registry, repository)) = image.name else { return self.written.is(image.written) };
        let fits = |pattern: &Option<Pattern>, part: Option<&str>| match pattern {
            None => true,
            Some(pattern) => part.is_some_and(|part| pattern.is(part)),
        };
        self.name.is(&full(registry, repository)) && fits(&self.tag, image.tag) && fits(&self.digest, image.digest)
    }
}

/// Host and repository in one spelling: hosts have no case.
pub(super) fn full(registry: &str, repository: &str) -> String {
    format!("{}/{repository}", registry.to_ascii_lowercase())
}

/// Splits at the last such sign from `start` on that stands in no brackets or braces of a glob.
fn split_outside(text: &str, sign: char, start: usize) -> (&str, Option<&str>) {
    let (mut depth, mut at) = (0_usize, None);
    for (place, letter) in text.char_indices() {
        match letter {
            '[' | '{' => depth += 1,
            ']' | '}' => depth = depth.saturating_sub(1),
            other if other == sign && depth == 0 && place >= start => at = Some(place),
            _ => {}
        }
    }
    at.map_or((text, None), |at| (&text[..at], Some(&text[at + sign.len_utf8()..])))
}

/// A name with its host, read as a manifest's: without a host it is one of Docker Hub. A name that begins with a glob
/// stays as it is, since that may stand for any host.
fn normalised(name: &str) -> Result<String, String> {
    const HUB: &str = "docker.io";
    let (first, rest) = name.split_once('/').map_or((name, None), |(first, rest)| (first, Some(rest)));
    let is_host = |part: &str| part.contains(['.', ':']) || part == "localhost" || part != part.to_lowercase();
    let (host, path) = match rest {
        _ if first.starts_with(SIGNS) => return Ok(name.to_owned()),
        Some(rest) if is_host(first) => (first.to_ascii_lowercase(), rest),
        // A host with a glob in it: `acme*/team/app`, `myregistry*`.
        Some(_) if first.contains(SIGNS) => return Ok(name.to_owned()),
        None if first.contains(['.']) && first.contains(SIGNS) => return Ok(name.to_owned()),
        _ => (HUB.to_owned(), name),
    };
    let host = if host == "index.docker.io" { HUB.to_owned() } else { host };
    if path.is_empty() {
        return Err(format!("{name:?} names a host and no image: write {name}* for every image of it"));
    }
    let library = host == HUB && !path.contains('/') && !path.starts_with(SIGNS);
    Ok(if library { format!("{host}/library/{path}") } else { format!("{host}/{path}") })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use pullaudit_core::ImageRef;

    fn covers(pattern: &str, image: &str) -> bool {
        let parsed = ImageRef::parse(image).ok();
        let image = Image {
            written: image,
            name: parsed.as_ref().map(|one| (one.registry.as_str(), one.repository.as_str())),
            tag: parsed.as_ref().and_then(|one| one.tag.as_deref()),
            digest: parsed.as_ref().and_then(|one| one.digest.as_deref()),
        };
        ImagePattern::new(pattern).unwrap().is(&image)
    }

    const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn no_tag_covers_every_tag_and_digest() {
        let digest = format!("reg.io/a/b@{DIGEST}");
        for image in ["reg.io/a/b", "reg.io/a/b:1", "REG.io/a/b:2", &digest] {
            assert!(covers("reg.io/a/b", image), "{image}");
        }
        assert!(!covers("reg.io/a/b", "reg.io/a/bc:1") && !covers("reg.io/a/b", "other.io/a/b:1"));
        assert!(covers("reg.io/a/b:1", "reg.io/a/b:1") && !covers("reg.io/a/b:1", "reg.io/a/b:1.2"));
        assert!(covers("reg.io/a/b:1", &format!("reg.io/a/b:1@{DIGEST}")));
        assert!(covers(&digest, &digest) && !covers(&digest, "reg.io/a/b:1"));
        assert!(covers("reg.io/a/b:latest", "reg.io/a/b"));
    }

    #[test]
    fn short_forms_are_those_of_docker_hub() {
        for pattern in
            ["nginx", "docker.io/nginx", "index.docker.io/nginx", "library/nginx", "nginx:1.2", "nginx*"]
        {
            assert!(covers(pattern, "nginx:1.2"), "{pattern}");
            assert!(!covers(pattern, "reg.io/nginx:1.2"), "{pattern}");
            assert!(!covers(pattern, "nginx.azurecr.io/app"), "{pattern}");
        }
        assert!(covers("grafana/*", "grafana/loki:3") && !covers("grafana/*", "reg.io/grafana/loki:3"));
        assert!(covers("localhost:5000/a", "localhost:5000/a:2"));
    }

    #[test]
    fn globs_stand_in_any_part() {
        assert!(covers("*acmeprod*/checkout*", "acmeprod.azurecr.io/checkout/api:2"));
        assert!(covers("acmeprod.azurecr.io/*", "acmeprod.azurecr.io/checkout/api:2"));
        assert!(covers("acme*.azurecr.io/*:v1.*", "acmeprod.azurecr.io/a:v1.3"));
        assert!(!covers("acme*.azurecr.io/*:v1.*", "acmeprod.azurecr.io/a:v2.1"));
        assert!(!covers("*b", "reg.io/a:1-b"), "a glob of a name looks at no tag");
        assert!(covers("{reg,other}.io/a:[12]", "other.io/a:2"));
        assert!(covers("*", "reg.io/a:1") && covers("*:latest", "reg.io/a"));
        assert!(covers("${IMAGE}", "${IMAGE}"), "what does not parse is compared as written");
    }

    #[test]
    fn what_is_no_pattern_says_so() {
        for pattern in ["reg.io/a[", "", "reg.io/{a", "reg.io/a:", "reg.io/"] {
            assert!(ImagePattern::new(pattern).is_err(), "{pattern}");
        }
        assert!(Pattern::new("a[").unwrap_err().contains("\"a[\""));
    }

    #[test]
    fn azure_compares_without_case() {
        let pattern = Pattern::new("/subscriptions/A/resourceGroups/*/Prod").unwrap();
        assert!(pattern.names("/subscriptions/a/resourcegroups/g/prod", "prod"));
        assert!(Pattern::new("PROD").unwrap().names("/subscriptions/a/x", "prod"));
        assert!(!Pattern::new("PROD").unwrap().names("arn:aws:eks:eu-west-1:1:cluster/prod", "prod"));
        let object = "0F1E2D3C-0000-4000-8000-000000000001";
        assert!(Pattern::new(object).unwrap().names(&object.to_lowercase(), "kubelet"));
    }
}
