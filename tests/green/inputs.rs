//! Manifests that hold nothing, or not what they seem to hold.

use super::{DEPLOYMENT, Ended, FLEET, Folder, never_green, run};
use serde_json::Value;

#[test]
fn empty_inputs_are_errors_that_are_named() {
    let folder = Folder::new();
    let empty = folder.put("empty.yaml", "");
    let service = folder.put("service.yaml", "kind: Service\nmetadata: {name: s}\napiVersion: v1\n");
    folder.put("overlay/kustomization.yaml", "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n");
    let overlay = folder.path().join("overlay").to_str().unwrap().to_owned();
    for command in [&["audit"][..], &["fix", "--dry-run"], &["collect", "-o", "-"]] {
        for (file, named) in [
            (empty.as_str(), "empty.yaml"),
            (&service, "service.yaml"),
            (&overlay, "kubectl kustomize"),
            ("/dev/null", "/dev/null"),
            ("-", "-f -"),
            ("nowhere.yaml", "nowhere.yaml"),
        ] {
            let ended = never_green(&[command, &["--from", FLEET, "-f", file]].concat(), named);
            assert_eq!(ended.code, 1, "{command:?} {file}: {}", ended.err);
        }
        let nothing = never_green(&[command, &["--from", &empty]].concat(), "empty.yaml");
        assert_eq!(nothing.code, 1);
        assert_eq!(never_green(&[command, &["--from", "no*.json"]].concat(), "no*.json").code, 1);
    }
}

#[test]
fn manifests_are_selected_as_live_workloads_are() {
    let folder = Folder::new();
    let file = folder.put("web.yaml", &DEPLOYMENT.replace("IMAGE", "acmeprod.azurecr.io/web:1"));
    let bare = folder.put(
        "bare.yaml",
        &DEPLOYMENT.replace("IMAGE", "acmeprod.azurecr.io/web:1").replace(", namespace: shop", ""),
    );
    let audit = |extra: &[&str]| {
        run(&[&["audit", "--from", FLEET, "--cluster", "prod-weu-1", "-o", "json"], extra].concat())
    };
    let workloads = |ended: &Ended| -> usize {
        let report: Value = serde_json::from_str(&ended.out).unwrap_or_else(|_| panic!("{}", ended.err));
        usize::try_from(report["summary"]["workloads"].as_u64().unwrap()).unwrap()
    };
    assert_eq!(workloads(&audit(&["-f", &file, "-n", "shop"])), 1);
    assert_eq!(workloads(&audit(&["-f", &file, "-l", "app=web"])), 1);
    // Repeated, all must hold.
    assert_eq!(workloads(&audit(&["-f", &file, "-l", "app=web", "-l", "app!=cart"])), 1);
    never_green(&["audit", "--from", FLEET, "-f", &file, "-l", "app=web", "-l", "app!=web"], "app=web,app!=web");
    assert_eq!(workloads(&audit(&["-f", &bare, "-n", "anywhere"])), 1, "as for kubectl, -n is where it goes");
    for (extra, named) in [(["-n", "shopp"], "did you mean shop?"), (["-l", "app=wbe"], "app=wbe")] {
        let ended = audit(&[&["-f", file.as_str()][..], &extra].concat());
        assert_eq!((ended.code, ended.names(named)), (1, true), "{}", ended.err);
    }
}

/// A pod template without containers is a part that could not be read, beside others and alone.
#[test]
fn a_workload_without_containers_is_named() {
    let folder = Folder::new();
    let good = folder.put("good.yaml", &DEPLOYMENT.replace("IMAGE", "acmeprod.azurecr.io/web:1"));
    for template in ["{spec: {contianers: []}}", "{spc: {}}", "{spec: {containers: []}}", "{}"] {
        let text = format!(
            "kind: Deployment\napiVersion: apps/v1\nmetadata: {{name: x}}\nspec: {{template: {template}}}\n"
        );
        let bad = folder.put("bad.yaml", &text);
        for more in [&["-f", &good][..], &[], &["--allow-empty"]] {
            let arguments = [&["audit", "--from", FLEET, "--cluster", "prod-weu-1", "-f", &bad], more].concat();
            let ended = never_green(&arguments, "bad.yaml:");
            let said: Vec<&str> = ended.out.split_whitespace().chain(ended.err.split_whitespace()).collect();
            assert!(said.join(" ").contains("no containers"), "{template}: {}\n{}", ended.out, ended.err);
        }
    }
}

/// A file, a folder or a pattern that holds nothing is named beside others too.
#[test]
fn an_input_that_holds_nothing_is_named_beside_others() {
    let folder = Folder::new();
    let good = folder.put("good.yaml", &DEPLOYMENT.replace("IMAGE", "acmeprod.azurecr.io/web:1"));
    let empty = folder.put("empty.yaml", "# nothing\n---\n");
    std::fs::create_dir(folder.path().join("none")).unwrap();
    let [none, glob] = ["none", "*.yml"].map(|name| folder.path().join(name).display().to_string());
    for input in [&empty, &none, &glob] {
        for beside in [&["-f", &good][..], &[], &["--image", "acmeprod.azurecr.io/web:1"]] {
            let arguments = [&["audit", "--from", FLEET, "--cluster", "prod-weu-1", "-f", input], beside].concat();
            assert_eq!(never_green(&arguments, input).code, 1, "{arguments:?}");
            let warned = run(&[&arguments[..], &["--allow-empty"]].concat());
            assert!(warned.code != 1 && warned.names(input), "{arguments:?}: {}", warned.err);
        }
    }
    let ended = run(&["audit", "--from", FLEET, "--image", "acmeprod.azurecr.io/web:1", "-n", "nope"]);
    assert_eq!((ended.code, ended.names("-n selects workloads")), (64, true), "{}", ended.err);
}
