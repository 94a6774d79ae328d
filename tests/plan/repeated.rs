//! Command lines that pullaudit prints: each parses, and selects what the run selected.

use super::{EXAMPLE, pullaudit, text};
use clap::Parser as _;
use pullaudit::cli::{Again, Cli, Command, Judging, Reading, Select, Source};
use pullaudit_core::shell_split;
use serde_json::Value;

/// A flag of each kind, with values that a shell would take apart.
const FLAGS: [&[&str]; 24] = [
    &[],
    &["--provider", "eks", "--provider", "aks"],
    &["--cluster", "prod-*/gp?", "--cluster", "arn:aws:eks:eu-west-1:111122223333:cluster/a b"],
    &["--all-clouds"],
    &["--context", "it's mine"],
    &["--context=--odd"],
    &["--kubeconfig", "my folder/config"],
    &["-n", "shop", "-n", "$HOME"],
    &["-A"],
    &["-l", "app in (a, b),tier!=web"],
    &["-l", "app=web", "-l", "tier"],
    &["--kubeconfig", "one,two"],
    &["--account", "111122223333", "--account", "222233334444"],
    &["--profile", "two words"],
    &["--region", "eu-west-1"],
    &["--project", "acme-run", "--project", "1234"],
    &["--subscription", "11111111-aaaa-4bbb-8ccc-000000000001"],
    &["--azure-cloud", "AzureChinaCloud"],
    &["--strict", "--as-of", "2026-11-25T14:02:11Z"],
    &["--config", "my fleet.yaml"],
    &["--read-secrets"],
    &["--allow-empty"],
    &["-f", "a b.yaml", "-f", "-"],
    &["--image", "nginx:1", "--image", "a/b@sha256:0", "--with-live"],
];

type Told<'a> = (&'a Source, &'a Select, &'a Judging, &'a Reading);

fn parsed(arguments: &[String]) -> Cli {
    Cli::try_parse_from(arguments).unwrap_or_else(|error| panic!("{arguments:?}: {error}"))
}

fn words(arguments: &[&str]) -> Vec<String> {
    ["pullaudit"].iter().chain(arguments).map(|&word| word.to_owned()).collect()
}

fn told(cli: &Cli) -> Told<'_> {
    match &cli.command {
        Command::Audit(args) => (&args.source, &args.select, &args.judging, &args.reading),
        Command::Fix(args) => (&args.source, &args.select, &args.judging, &args.reading),
        _ => panic!("neither audit nor fix"),
    }
}

#[test]
fn every_selector_survives_being_printed() {
    let alone = [&["-A"][..], &["--context=--odd"]];
    let all: Vec<&str> =
        FLAGS.iter().filter(|flags| !alone.contains(*flags)).copied().flatten().copied().collect();
    for flags in FLAGS.iter().map(|flags| flags.to_vec()).chain([all]) {
        let run = parsed(&words(&[&["audit"][..], &flags].concat()));
        let (source, select, judging, reading) = told(&run);
        let again =
            Again::default().clusters(select).scopes(select).images(source).judging(judging).reading(reading);
        let line = format!("pullaudit fix{}", again.text());
        let printed = parsed(&shell_split(&line).unwrap_or_else(|| panic!("{line}")));
        assert_eq!(format!("{:?}", told(&printed)), format!("{:?}", told(&run)), "{line}");
        let undo = format!(
            "pullaudit undo r.json{}",
            Again::default().clusters(select).scopes(select).reading(reading).text()
        );
        let Command::Undo(undone) = parsed(&shell_split(&undo).unwrap()).command else { panic!("{undo}") };
        assert_eq!(
            format!("{:?}", (&undone.select, &undone.reading)),
            format!("{:?}", (select, reading)),
            "{undo}"
        );
    }
}

fn fixes(arguments: &[&str]) -> Vec<String> {
    let all = [&["audit", "--from", EXAMPLE, "-o", "json"][..], arguments].concat();
    let output = pullaudit(&all).output().unwrap();
    let report: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output.stderr)));
    let fixes = report["incidents"].as_array().unwrap().iter().map(|one| one["fix"].as_str().unwrap().to_owned());
    fixes.filter(|line| line.starts_with("pullaudit fix")).collect()
}

#[test]
fn an_incident_repeats_the_run_and_narrows_it_to_its_cluster() {
    let lines = fixes(&["--cluster", "p*/gen*", "--region", "eu-central-1", "-n", "ledger"]);
    assert!(!lines.is_empty());
    for line in lines {
        let run = parsed(&shell_split(&line).unwrap());
        let (_, select, _, _) = told(&run);
        assert_eq!(
            (&select.provider[..], &select.cluster[..]),
            (&["eks".to_owned()][..], &["pay-euc1/gen*".to_owned()][..])
        );
        assert_eq!(
            (&select.region[..], &select.namespace[..]),
            (&["eu-central-1".to_owned()][..], &["ledger".to_owned()][..])
        );
        let Command::Fix(fix) = &run.command else { panic!("{line}") };
        assert!(!fix.writing.consent.is_empty(), "a policy of a repository needs consent: {line}");
    }
}

#[test]
fn a_saved_plan_names_the_line_that_applies_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("my plan.json");
    let arguments =
        ["fix", "--dry-run", "--from", EXAMPLE, "--cluster", "shop-*", "--consent", "broad", "--plan-out"];
    let output = pullaudit(&[&arguments[..], &[path.to_str().unwrap()]].concat()).output().unwrap();
    let shown = text(&output.stdout);
    let line =
        shown.lines().find_map(|line| line.strip_prefix("Apply it with: ")).unwrap_or_else(|| panic!("{shown}"));
    let Command::Apply(apply) = parsed(&shell_split(line).unwrap()).command else { panic!("{line}") };
    assert_eq!(
        (apply.plan, apply.select.cluster, apply.writing.consent.len()),
        (path, vec!["shop-*".to_owned()], 1)
    );
}
