//! `-o wide`: a table, one row a check.

use super::{Check, Report};
use comfy_table::{Table, presets};

/// The checks as a table without frames, like kubectl's.
pub fn wide(report: &Report) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header([
        "VERDICT",
        "SEVERITY",
        "CODE",
        "MARK",
        "PROVIDER",
        "CLUSTER",
        "POOL",
        "IDENTITY",
        "IMAGE",
        "STATE",
        "WORKLOADS",
    ]);
    for check in &report.checks {
        table.add_row(row(report, check));
    }
    let mut text: String = table
        .to_string()
        .lines()
        .map(|line| line.trim_start_matches(' ').trim_end())
        .collect::<Vec<_>>()
        .join("\n");
    text.push('\n');
    text
}

fn row(report: &Report, check: &Check) -> Vec<String> {
    let none = || "-".to_owned();
    let cluster = report.clusters.iter().find(|cluster| Some(&cluster.id) == check.cluster.as_ref());
    vec![
        check.verdict.as_str().to_owned(),
        check.severity.to_string(),
        check.code.clone(),
        check.mark().unwrap_or("-").to_owned(),
        check.provider.clone(),
        cluster.map_or_else(none, |cluster| cluster.name.clone()),
        check.pool.clone().unwrap_or_else(none),
        check.identity.as_ref().map_or_else(none, |identity| identity.name.clone()),
        check.image.clone(),
        serde_json::to_value(check.state)
            .ok()
            .and_then(|word| word.as_str().map(ToOwned::to_owned))
            .unwrap_or_default(),
        check.workloads.len().to_string(),
    ]
}
