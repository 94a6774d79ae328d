//! `az`, pointed at the fake.

use crate::azure::Place;
use crate::servers::trap::Trap;
use crate::servers::{Skipped, installed};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::{Command, Output};

/// The command line with a folder of its own for what it remembers.
pub(crate) struct Az<'a> {
    place: &'a Place,
    program: PathBuf,
    folder: tempfile::TempDir,
    /// For whatever would leave this machine.
    trap: Trap,
}

impl<'a> Az<'a> {
    /// The one that `install.sh` put into `target/`.
    pub(crate) fn installed(place: &'a Place) -> Result<Self, Skipped> {
        let program = installed("azure").join("venv/bin/az");
        if !program.is_file() {
            return Err(Skipped { why: "az is not installed; scripts/servers installs it".into() });
        }
        let folder = tempfile::tempdir().unwrap();
        let (url, graph) = (place.fake.url(), place.fake.graph_url());
        let clouds = format!(
            "[fake]\nprofile = latest\nendpoint_active_directory = {url}\nendpoint_active_directory_resource_id = {url}\n\
             endpoint_resource_manager = {url}\nendpoint_management = {url}\n\
             endpoint_microsoft_graph_resource_id = {graph}/\nendpoint_active_directory_graph_resource_id = {graph}/\n\
             suffix_acr_login_server_endpoint = .azurecr.io\n"
        );
        std::fs::write(folder.path().join("clouds.config"), clouds).unwrap();
        let config = "[cloud]\nname = fake\n[core]\ninstance_discovery = false\ncollect_telemetry = false\noutput = json\n\
                      encrypt_token_cache = false\nsurvey_message = false\n[auto-upgrade]\nenable = no\n";
        std::fs::write(folder.path().join("config"), config).unwrap();
        std::fs::write(folder.path().join("versionCheck.json"), known_version()).unwrap();
        Ok(Self { place, program, folder, trap: Trap::start() })
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Output {
        let path = std::env::var("PATH").unwrap_or_default();
        let own = self.program.parent().unwrap().display().to_string();
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.folder.path()).env_clear();
        command.env("PATH", format!("{own}:{path}")).env("HOME", self.folder.path());
        command
            .env("AZURE_CONFIG_DIR", self.folder.path())
            .env("REQUESTS_CA_BUNDLE", self.place.fake.ca_pem_path());
        command
            .env("HTTPS_PROXY", self.trap.url())
            .env("HTTP_PROXY", self.trap.url())
            .env("NO_PROXY", "127.0.0.1,localhost");
        command.output().unwrap()
    }

    fn succeeded(what: &str, output: &Output) -> String {
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{what}: {told}");
        String::from_utf8(output.stdout.clone()).unwrap()
    }

    /// Signs in as the fake's caller.
    pub(crate) fn log_in(&self) {
        let (id, secret) =
            self.place.fake.change(|world| (world.caller.client_id.clone(), world.caller.secret.clone()));
        let tenant = self.place.fake.change(|world| world.tenants[0].clone());
        self.json(&["login", "--service-principal", "-u", &id, "-p", &secret, "-t", &tenant]);
    }

    /// What it answers.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let out = Self::succeeded(&arguments.join(" "), &self.run(self.program.to_str().unwrap(), arguments));
        if out.trim().is_empty() { Value::Null } else { serde_json::from_str(&out).unwrap() }
    }

    /// Runs a line as somebody would who pasted it.
    pub(crate) fn shell(&self, line: &str) {
        Self::succeeded(line, &self.run("sh", &["-c", line]));
    }

    /// Nothing was asked that the fake does not know, and nobody else was asked.
    pub(crate) fn knows_everything(&self) {
        let strangers = self.place.fake.strangers();
        assert!(strangers.is_empty(), "{strangers:#?}");
        assert_eq!(self.trap.caught(), [""; 0]);
    }

    /// Where it goes for something that is elsewhere; forgotten afterwards.
    pub(crate) fn asks_elsewhere(&self, url: &str) -> Vec<String> {
        self.run(self.program.to_str().unwrap(), &["rest", "--skip-authorization-header", "--url", url]);
        self.trap.take()
    }
}

/// In a new folder `az` asks for the newest version of itself, whatever its settings say, unless this file holds
/// its own.
fn known_version() -> String {
    let line = |line: &'static str| line.strip_prefix("azure-cli-core==");
    let list = include_str!("../servers/azure/requirements.txt");
    let version = list.lines().find_map(line).expect("a pinned version");
    json!({ "versions": { "azure-cli": { "local": version }, "core": { "local": version } } }).to_string()
}
