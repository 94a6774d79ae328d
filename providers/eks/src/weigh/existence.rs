//! Whether there is something to pull, or a pull-through cache that would fetch it.

use super::Weighing;
use super::index::{ImageState, Presence};
use super::rights::Resource;
use super::texts::Right;
use crate::codes::Finding;
use pullaudit_core::{Claim, CoreFinding, Obstacle, Open};

impl Weighing<'_> {
    /// Adds what is known of the repository and of the image, and what a first pull through a cache
    /// needs where they are not there. `resources` are the repository's policy and the registry's.
    pub(crate) fn existence(&self, resources: &[Resource<'_>; 2], all: &mut Vec<Claim>) {
        let place = || self.repository.place.clone();
        match &self.repository.presence {
            Presence::There(_) => self.image(resources, all),
            Presence::Open(open, code) => {
                all.push(Claim::open(*code, place(), "may not exist", vec![open.clone()]));
                self.image(resources, all);
            }
            Presence::Missing => self.through_cache(Finding::RepositoryMissing, resources, all),
        }
    }

    fn image(&self, resources: &[Resource<'_>; 2], all: &mut Vec<Claim>) {
        match self.repository.image(self.version) {
            Some(ImageState::There(place, what)) => {
                all.push(Claim::yes(self.texts.allowed, place.clone(), what.clone()));
            }
            // Source: ECR user guide, "Archiving an image": a pull of it is answered with 404.
            Some(ImageState::Archived(place, what)) => {
                all.push(Claim::no(Finding::ImageArchived.code(), place.clone(), what.clone()));
            }
            Some(ImageState::Missing) => self.through_cache(Finding::ImageMissing, resources, all),
            Some(ImageState::Open(open, code)) => {
                all.push(Claim::open(*code, self.image_place(), "may not exist", vec![open.clone()]));
            }
            None => {
                let place = self.image_place();
                let scope = format!("account {}", self.repository.account);
                let open = Open::unread(place.as_str(), "ecr:DescribeImages", scope, Obstacle::NotAsked);
                all.push(Claim::open(CoreFinding::NotCollected.code(), place, "may not exist", vec![open]));
            }
        }
    }

    /// Something is not there: a refusal, unless a rule of the pull-through cache covers it. `resources`
    /// are the repository's policy and the registry's.
    fn through_cache(&self, missing: Finding, resources: &[Resource<'_>; 2], all: &mut Vec<Claim>) {
        let create = missing == Finding::RepositoryMissing;
        let place = if create { self.repository.place.to_string() } else { self.image_place() };
        match self.registry.rules.cover(&self.repository.name) {
            Ok(false) => all.push(Claim::no(missing.code(), place, "does not exist")),
            Err((open, code)) => {
                all.push(Claim::open(
                    code,
                    place,
                    "does not exist, unless it is pulled through",
                    vec![open.clone()],
                ));
            }
            Ok(true) => {
                if create {
                    self.right(Right::Create, &resources[1..], all);
                }
                self.right(Right::Import, resources, all);
                let reader = self.registry.rules.reader(&self.repository.name);
                let reader = reader.map_or_else(String::new, |role| format!(" and lets {role} read it"));
                let detail = format!(
                    "is not in the pull-through cache yet, and the role may import it; whether the upstream has it{reader} \
                     is content, which rights do not tell"
                );
                all.push(Claim::yes(Finding::PullThroughFirstPull.code(), place, detail));
            }
        }
    }

    fn image_place(&self) -> String {
        let join = if self.version.starts_with('@') { "" } else { ":" };
        format!("image {}{join}{}", self.repository.name, self.version)
    }
}
