//! The words of pullaudit and the thinking that needs no cloud: what an image reference means, which
//! credentials a kubelet would try, and what follows from what was read.
//!
//! Everything here is pure. The same input gives the same answer, offline, years later; the only
//! clock is the `at` that a caller hands in. A cloud is a crate that speaks these words (see
//! [`Clusters`] and [`Registries`]); the program knows clouds by those traits only.

mod calls;
mod claim;
mod code;
mod fleet;
mod image;
mod judge;
mod keyring;
mod naming;
mod permissions;
mod provider;
mod question;
mod read;
mod remedy;
mod shell;
mod snapshot;
mod spelling;
mod workload;
mod write;

pub use calls::{CallCount, Calls};
pub use claim::{Claim, Fact, Holds, Obstacle, Open, Source, Text, need};
pub use code::{CORE_CODES, Code, CodeRow, CoreFinding, Severity};
pub use fleet::{
    AccountToken, Cluster, ClusterId, Gap, Inventory, Lookalike, PodSelector, Pool, Principal, PrincipalKind,
    Searched, Shape, Taint, VIRTUAL_NODE, virtual_nodes_open,
};
pub use image::{ImageRef, InvalidReference, Registry};
pub use judge::{Evidence, Mode, Need, Verdict, judge};
pub use keyring::{
    Attempt, Credential, Keyring, LoginLasts, NodeKey, PodCredentials, PullSecret, SecretDefect, SecretEntry,
    SecretRef, UrlGlob, keyring, of_unread_account, of_virtual_nodes, pull_claim,
};
pub use naming::{is_caseless, same_id};
pub use permissions::{DamagedRights, Extent, Permissions, PermissionsOf, Purpose, rights};
pub use provider::{
    AccessError, ApiAccess, ClusterReading, ClusterView, Clusters, CollectError, CustomKind, DiscoverError,
    Discovered, Discovery, Facts, Kept, NodeView, Notice, Owner, Provider, Registries, Scope,
};
pub use question::{Question, Vantage};
pub use read::{Read, Section};
pub use remedy::{
    Action, Change, Fingerprint, FixPolicy, HeldBack, NOT_UNDONE, Note, PoolLines, Proposal, Remedy, Safety,
};
pub use shell::{import_block, resource_name, shell_split, shell_word};
pub use snapshot::{ClusterRecord, Conflict, SCHEMA as SNAPSHOT_SCHEMA, Snapshot, SnapshotError};
pub use workload::{Container, ContainerType, PodGroup, PodState, Workload};
pub use write::{Applied, CannotUndo, Edited, Held, Journal, LeftBehind, Outcome, OwnRight, Writer};
