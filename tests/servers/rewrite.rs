//! Answers of lists, changed so that they name a page that follows.

use serde_json::Value;

/// A JSON list with `token` in `field`. The first array of the object is the list.
pub(crate) fn json_list(body: &[u8], field: &str, token: &str, items: bool) -> Option<Vec<u8>> {
    let mut answer: Value = serde_json::from_slice(body).ok()?;
    let object = answer.as_object_mut()?;
    let list = object.values_mut().find_map(Value::as_array_mut)?;
    if !items {
        list.clear();
    }
    object.insert(field.to_owned(), token.into());
    Some(answer.to_string().into_bytes())
}

/// A list of the AWS query protocol with `token` as its marker.
pub(crate) fn xml_list(body: &[u8], token: &str, items: bool) -> Option<Vec<u8>> {
    const LAST_PAGE: &str = "<IsTruncated>false</IsTruncated>";
    let mut text = String::from_utf8(body.to_vec()).ok()?;
    let first_member = text.find("<member>");
    if !text.contains(LAST_PAGE) {
        return None;
    }
    if let (false, Some(start)) = (items, first_member) {
        let close = "</member>";
        let end = text.rfind(close)? + close.len();
        text.replace_range(start..end, "");
    }
    let more = format!("<IsTruncated>true</IsTruncated><Marker>{token}</Marker>");
    Some(text.replace(LAST_PAGE, &more).into_bytes())
}
