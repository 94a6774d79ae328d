//! The fake of Azure as something whose calls can be taken away one by one.
#![allow(dead_code, reason = "each test binary compiles this module for itself and uses its own part of it")]

use crate::azure_fake::{Fake, Fault, Trouble as Broken};
use crate::servers::ablation::Breakable;
use crate::servers::proxy::Trouble;

impl Breakable for Fake {
    fn reset(&self) {
        self.clear_faults();
        self.forget_requests();
    }

    fn calls(&self) -> Vec<String> {
        let mut calls: Vec<String> =
            self.requests().iter().map(|seen| format!("{} {}?{}", seen.method, seen.path, seen.query)).collect();
        calls.sort();
        calls.dedup();
        calls
    }

    fn break_call(&self, call: &str, trouble: Trouble) {
        let (method, rest) = call.split_once(' ').unwrap();
        let (path, query) = rest.split_once('?').unwrap();
        let trouble = match trouble {
            Trouble::Forbidden => Broken::Forbidden,
            Trouble::Absent => Broken::NotFound,
            Trouble::Lost => Broken::Lost,
            Trouble::TimeOut => Broken::Silence,
            Trouble::Garbage => Broken::Garbage,
            Trouble::Failed => Broken::ServerError,
            Trouble::Html => Broken::Html,
            Trouble::Cut => Broken::Cut,
            other => panic!("{other:?} takes no answer away"),
        };
        self.set_fault(Fault::exactly(method, path, query, trouble));
    }

    fn assert_no_strangers(&self) {
        assert!(self.strangers().is_empty(), "{:#?}", self.strangers());
    }
}

/// The right that each kind of call needs, which a verdict that it cost names.
pub(crate) const RIGHTS: [(&str, &str); 10] = [
    ("/roleAssignments?", "Microsoft.Authorization/roleAssignments/read"),
    ("/denyAssignments?", "Microsoft.Authorization/denyAssignments/read"),
    ("/roleDefinitions/", "Microsoft.Authorization/roleDefinitions/read"),
    ("/registries?", "Microsoft.ContainerRegistry/registries/read"),
    ("/cacheRules?", "Microsoft.ContainerRegistry/registries/cacheRules/read"),
    ("/credentialSets?", "Microsoft.ContainerRegistry/registries/credentialSets/read"),
    ("/managedClusters?", "Microsoft.ContainerService/managedClusters/read"),
    ("/servicePrincipals(", "Application.Read.All"),
    ("/applications(", "Application.Read.All"),
    ("/directoryObjects/getByIds", "Directory.Read.All"),
];

pub(crate) fn right(call: &str) -> &'static str {
    RIGHTS.iter().find(|(part, _)| call.contains(part)).map_or("nothing", |(_, right)| right)
}
