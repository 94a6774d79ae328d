//! The known word that a mistyped one is most like.

/// The least likeness at which a word is offered, as Jaro and Winkler count it: 1 is equal.
const LIKE: f64 = 0.75;

/// Returns the known word that is most like `word`, or `None` where none is like it.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = word.to_lowercase();
    let like = |known: &str| strsim::jaro_winkler(&lower, &known.to_lowercase());
    let all = known.into_iter().map(|known| (like(known), known));
    all.filter(|(like, _)| *like >= LIKE).max_by(|one, other| one.0.total_cmp(&other.0)).map(|(_, known)| known)
}

/// Returns ` (did you mean X?)`, or nothing where no known word is like it.
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, known).map_or_else(String::new, |known| format!(" (did you mean {known}?)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offers_what_is_like_and_nothing_else() {
        assert_eq!(nearest("acounts", ["subscriptions", "accounts"]), Some("accounts"));
        assert_eq!(nearest("AKS", ["aks", "eks"]), Some("aks"));
        assert_eq!(nearest("zzz", ["aks", "eks"]), None);
        assert_eq!(did_you_mean("inflight", ["inFlight", "maxChanges"]), " (did you mean inFlight?)");
        assert_eq!(did_you_mean("zzz", []), "");
    }
}
