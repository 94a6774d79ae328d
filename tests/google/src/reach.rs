//! Names, ancestors and rights in a world, and the lives of service accounts.

use serde_json::Value;

use crate::directory::{Account, Project};
use crate::policy::Policy;
use crate::repository::Repository;
use crate::world::World;

/// What stands before a name of Resource Manager where IAM v2 attaches a policy.
pub(crate) const ATTACHED: &str = "cloudresourcemanager.googleapis.com/";

impl World {
    /// A project by its id or its number.
    pub(crate) fn project_at(&self, name: &str) -> Option<&Project> {
        self.projects.iter().find(|project| project.id == name || project.number == name)
    }

    /// A service account by its e-mail or its unique id.
    pub(crate) fn account_at(&self, name: &str) -> Option<&Account> {
        self.accounts.iter().find(|account| account.email == name || account.unique_id == name)
    }

    /// A repository by its full name, the project by its id or its number.
    pub(crate) fn repository_at(&self, name: &str) -> Option<&Repository> {
        let name = self.canonical(name);
        self.repositories.iter().find(|repository| repository.name() == name)
    }

    /// A resource with its project by id, without the words of an attachment point.
    pub(crate) fn canonical(&self, resource: &str) -> String {
        let plain = resource.strip_prefix(ATTACHED).unwrap_or(resource);
        let mut parts: Vec<&str> = plain.split('/').collect();
        if let ["projects", name, ..] = parts[..]
            && let Some(project) = self.project_at(name)
        {
            parts[1] = &project.id;
        }
        parts.join("/")
    }

    /// The ancestors of a resource, the nearest first, itself included; `None` where there is nothing like it.
    pub(crate) fn chain(&self, resource: &str) -> Option<Vec<String>> {
        let mut chain = vec![resource.to_owned()];
        let mut parts = resource.splitn(3, '/');
        let mut at = format!("{}/{}", parts.next()?, parts.next()?);
        self.parent_of(&at)?;
        loop {
            if chain.last() != Some(&at) {
                chain.push(at.clone());
            }
            // What stands over a known resource may be hidden; the resource is there all the same.
            let Some(parent) = self.parent_of(&at) else { return Some(chain) };
            if parent.is_empty() || chain.len() > 20 {
                return Some(chain);
            }
            at = parent;
        }
    }

    /// What stands right over a project, folder or organisation: nothing is `""`, `None` is no such thing.
    pub(crate) fn parent_of(&self, resource: &str) -> Option<String> {
        match resource.split_once('/')? {
            ("projects", id) => self.project_at(id).map(|known| known.parent.clone()),
            ("folders", id) => self.folders.iter().find(|known| known.id == id).map(|known| known.parent.clone()),
            ("organizations", id) => self.organizations.iter().any(|known| known.id == id).then(String::new),
            _ => None,
        }
    }

    /// Whether somebody holds a permission on a resource. Nobody holds any on what is not there.
    pub(crate) fn allows(&self, who: &str, permission: &str, resource: &str) -> bool {
        let Some(chain) = self.chain(resource) else { return false };
        let federated = self.federation.as_ref().filter(|federation| federation.principal == who);
        let rights = match federated {
            Some(federation) => &federation.rights,
            None if who == self.caller.email => &self.caller.rights,
            None => return false,
        };
        let taken = self.caller.taken.iter().any(|right| right.gives(permission, &chain));
        !taken && rights.iter().any(|right| right.gives(permission, &chain))
    }

    /// The policy of a resource: `projects/P`, `folders/F`, `organizations/O` or a repository's name.
    pub fn policy_of(&mut self, resource: &str) -> Option<&mut Policy> {
        let resource = self.canonical(resource);
        match resource.split('/').collect::<Vec<_>>()[..] {
            ["projects", id] => {
                self.projects.iter_mut().find(|known| known.id == id).map(|known| &mut known.policy)
            }
            ["folders", id] => self.folders.iter_mut().find(|known| known.id == id).map(|known| &mut known.policy),
            ["organizations", id] => {
                self.organizations.iter_mut().find(|known| known.id == id).map(|known| &mut known.policy)
            }
            _ => {
                self.repositories.iter_mut().find(|known| known.name() == resource).map(|known| &mut known.policy)
            }
        }
    }

    pub(crate) fn next_id(&mut self) -> String {
        self.last_id += 1;
        format!("1{:020}", self.last_id)
    }

    /// Creates a service account in the project that its e-mail names, with a unique id of its own: not that
    /// of an account of the same e-mail that was there before.
    ///
    /// # Panics
    /// When the e-mail names no project that is there.
    #[allow(clippy::expect_used, reason = "a world that nobody meant")]
    pub fn create_account(&mut self, email: &str) {
        let project = self.home_of(email).expect("an e-mail of a project that is there");
        let id = self.next_id();
        self.accounts.push(Account::new(&project, email, id));
    }

    /// The project that an e-mail names, if it is there.
    pub(crate) fn home_of(&self, email: &str) -> Option<String> {
        let (user, domain) = email.split_once('@')?;
        let name = match domain.strip_suffix(".iam.gserviceaccount.com") {
            Some(id) => id,
            None if domain == "developer.gserviceaccount.com" => user.strip_suffix("-compute")?,
            None => return None,
        };
        self.project_at(name).map(|project| project.id.clone())
    }

    /// Deletes a service account. Its bindings stay, and now name it as deleted, with its unique id.
    pub fn delete_account(&mut self, email: &str) {
        let Some(at) = self.accounts.iter().position(|account| account.email == email) else { return };
        let account = self.accounts.remove(at);
        let live = format!("serviceAccount:{email}");
        let dead = format!("deleted:serviceAccount:{email}?uid={}", account.unique_id);
        self.rename_member(&live, &dead);
    }

    /// Deletes a service account and creates another one with its e-mail, as Terraform does.
    pub fn rotate_account(&mut self, email: &str) {
        self.delete_account(email);
        self.create_account(email);
    }

    fn rename_member(&mut self, from: &str, to: &str) {
        let repositories = self.repositories.iter_mut().map(|known| &mut known.policy);
        let projects = self.projects.iter_mut().map(|known| &mut known.policy);
        let folders = self.folders.iter_mut().map(|known| &mut known.policy);
        let organizations = self.organizations.iter_mut().map(|known| &mut known.policy);
        for policy in repositories.chain(projects).chain(folders).chain(organizations) {
            for member in policy.members_mut() {
                if member == from {
                    *member = Value::from(to);
                }
            }
        }
    }

    /// Somebody else's hand.
    pub(crate) fn edit(&mut self, resource: &str) {
        self.edits += 1;
        let (colleague, edit) = (self.colleague, self.edits);
        if let Some(policy) = self.policy_of(resource) {
            colleague(policy, edit);
        }
    }
}
