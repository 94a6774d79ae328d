//! Answers, changed: lists that name a page that follows, and bodies that lack one field.

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

/// The body without the field of this number, in the order in which they stand, and that field's path. `None` where it has
/// fewer.
pub(crate) fn without(body: &[u8], field: usize) -> Option<(Vec<u8>, String)> {
    if let Ok(mut answer) = serde_json::from_slice::<Value>(body) {
        let mut left = field;
        let path = json_without(&mut answer, &mut left, "")?;
        return Some((answer.to_string().into_bytes(), path));
    }
    xml_without(std::str::from_utf8(body).ok()?, field)
}

fn json_without(value: &mut Value, left: &mut usize, path: &str) -> Option<String> {
    match value {
        Value::Object(fields) => {
            for name in fields.keys().cloned().collect::<Vec<_>>() {
                let here = format!("{path}.{name}");
                if *left == 0 {
                    fields.remove(&name);
                    return Some(here.trim_start_matches('.').to_owned());
                }
                *left -= 1;
                if let Some(found) = fields.get_mut(&name).and_then(|value| json_without(value, left, &here)) {
                    return Some(found);
                }
            }
            None
        }
        // The entries of a list are alike.
        Value::Array(all) => json_without(all.first_mut()?, left, &format!("{path}[]")),
        _ => None,
    }
}

/// Elements are fields, the root apart.
fn xml_without(text: &str, field: usize) -> Option<(Vec<u8>, String)> {
    let (mut open, mut number): (Vec<(String, usize, Option<usize>)>, usize) = (Vec::new(), 0);
    let mut at = 0;
    while let Some(start) = text[at..].find('<').map(|found| at + found) {
        let end = start + text[start..].find('>')? + 1;
        at = end;
        let inside = &text[start + 1..end - 1];
        if inside.starts_with(['?', '!']) {
            continue;
        }
        let name = inside.trim_start_matches('/').split([' ', '/']).next()?.to_owned();
        if !inside.starts_with('/') {
            // An entry of a list is no field: without it the list is another one.
            let is_field = !open.is_empty() && !matches!(name.as_str(), "member" | "item");
            let own = is_field.then_some(number);
            number += usize::from(is_field);
            open.push((name, start, own));
            if !inside.ends_with('/') {
                continue;
            }
        }
        let path: Vec<&str> = open.iter().skip(1).map(|(name, ..)| name.as_str()).collect();
        let path = path.join(".");
        let (_, begin, own) = open.pop()?;
        if own == Some(field) {
            return Some((format!("{}{}", &text[..begin], &text[end..]).into_bytes(), path));
        }
    }
    None
}
