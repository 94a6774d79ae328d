//! The law of ablation field by field: take any one field out of the answers of a kind, and each verdict stays as it
//! was or becomes unknown and names that answer.

use super::azure::Place;
use super::azure_fake::{Fault, Trouble};
use super::breakable::RIGHTS;
use super::servers::ablation::{Audit, Breakable as _, became_unknown, compare};
use super::{BEFORE, audit, fleet};

/// Threads that each leave out a share of the fields, on a fake of their own.
const THREADS: usize = 4;

/// What one thread found.
#[derive(Default)]
struct Found {
    tried: usize,
    unknown: usize,
    wrong: Vec<String>,
    clean: Audit,
}

#[test]
fn ablation_of_every_field_of_every_answer_of_azure() {
    let found: Vec<Found> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|own| scope.spawn(move || part(own))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let wrong: Vec<_> = found.iter().flat_map(|part| &part.wrong).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let (tried, unknown): (usize, usize) =
        (found.iter().map(|part| part.tried).sum(), found.iter().map(|part| part.unknown).sum());
    println!("{tried} fields were left out, {unknown} verdicts became unknown");
    assert!(tried > 100, "every field of every answer: {tried}");
    assert!(unknown > 100, "and many of them cost a verdict: {unknown}");
    assert_eq!(found[0].clean.counts(), BEFORE, "so many verdicts are there to lose");
}

fn part(own: usize) -> Found {
    let place = Place::of(fleet::world(), &fleet::IMAGES);
    let fake = &place.fake;
    fake.reset();
    let clean = audit(&place, "20s").expect("an audit of the whole works");
    let fields: Vec<(&str, &str, String)> = RIGHTS
        .iter()
        .flat_map(|(kind, right)| {
            let kind = kind.trim_end_matches('?');
            fake.fields(kind).into_iter().map(move |field| (kind, *right, field))
        })
        .collect();
    let mut found = Found { clean, ..Found::default() };
    for (kind, right, field) in fields.into_iter().skip(own).step_by(THREADS) {
        fake.reset();
        // A fault holds its text for good; there are a few hundred.
        fake.set_fault(Fault::on_kind(kind, Trouble::Without(field.clone().leak())));
        found.tried += 1;
        // An audit that reads nothing ends with 1.
        let Ok(broken) = audit(&place, "20s") else { continue };
        let wrong = compare(&found.clean, &broken).into_iter();
        found.wrong.extend(wrong.map(|(check, what)| format!("{kind} without {field}: {check} {what}")));
        for (check, after) in became_unknown(&found.clean, &broken) {
            found.unknown += 1;
            if !after.needing.iter().any(|reading| reading.contains(right)) {
                found.wrong.push(format!("{kind} without {field}: {check} names {:?}", after.needing));
            }
        }
    }
    found
}
