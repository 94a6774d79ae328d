//! Images of a repository, by tag or digest.

use super::batch::{Absence, ask_many};
use super::call::read;
use super::ecr::{NO_REPOSITORY, Registry, optional};
use super::needs::ImageName;
use super::operation::DESCRIBE_IMAGES;
use crate::facts::{Image, table};
use aws_sdk_ecr::Client;
use aws_sdk_ecr::primitives::DateTimeFormat;
use aws_sdk_ecr::types::{ImageDetail, ImageIdentifier};
use pullaudit_core::Section;
use std::collections::{BTreeMap, BTreeSet};

const NO_IMAGE: &str = "ImageNotFoundException";

/// The rows of these images. `DescribeImages` only looks; `BatchGetImage` would count as a pull and may
/// fetch from the upstream of a pull-through cache.
pub(crate) async fn collect(
    registry: &Registry<'_>,
    ecr: &Client,
    repository: &str,
    wanted: &BTreeSet<ImageName>,
) -> Section {
    let absence = Absence { one: NO_IMAGE, all: Some(NO_REPOSITORY), names: is_about };
    let names = wanted.iter().cloned().collect();
    let answers = ask_many(DESCRIBE_IMAGES, names, &absence, |batch: Vec<ImageName>| async {
        let ids = batch.iter().map(identifier).collect();
        let ask = ecr.describe_images().registry_id(&registry.name.account).repository_name(repository);
        let answer = registry.caller.ask(DESCRIBE_IMAGES, ask.set_image_ids(Some(ids)).send()).await?;
        let details = answer.image_details.unwrap_or_default();
        Ok(batch
            .into_iter()
            .filter_map(|name| found(&details, &name).map(|image| (name, image)))
            .collect::<BTreeMap<_, _>>())
    });
    let mut section = Section::default();
    for (name, answer) in answers.await {
        let reading = read(answer, &[], format!("image {}", name.key(repository)), registry.scope.as_str());
        section.store(table::IMAGES, name.key(&registry.key(repository)), optional(reading));
    }
    section
}

fn identifier(name: &ImageName) -> ImageIdentifier {
    match name {
        ImageName::Tag(tag) => ImageIdentifier::builder().image_tag(tag).build(),
        ImageName::Digest(digest) => ImageIdentifier::builder().image_digest(digest).build(),
    }
}

fn found(details: &[ImageDetail], name: &ImageName) -> Option<Image> {
    let detail = details.iter().find(|detail| match name {
        ImageName::Tag(tag) => detail.image_tags().contains(tag),
        ImageName::Digest(digest) => detail.image_digest() == Some(digest),
    })?;
    Some(Image {
        digest: detail.image_digest()?.to_owned(),
        pushed_at: detail.image_pushed_at().and_then(|at| at.fmt(DateTimeFormat::DateTime).ok()),
        media_type: detail.image_manifest_media_type().map(str::to_owned),
        artifact_type: detail.artifact_media_type().map(str::to_owned),
        status: detail.image_status().map(|status| status.as_str().to_owned()),
    })
}

/// Reads "The image with imageId {imageDigest:'null', imageTag:'v1'} does not exist within …". Only the
/// field of the name's own kind counts: a tag may be called `null`, too.
fn is_about(text: &str, name: &ImageName) -> bool {
    let (field, value) = match name {
        ImageName::Tag(tag) => ("imageTag", tag),
        ImageName::Digest(digest) => ("imageDigest", digest),
    };
    let Some((_, after)) = text.split_once(field) else { return false };
    let own = after.split([',', '}']).next().unwrap_or_default();
    own.split(['\'', '"']).any(|part| part == value) && value != "null"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ecr_tells_of_an_image_is_kept() {
        let index = "application/vnd.oci.image.index.v1+json";
        let detail = ImageDetail::builder()
            .image_digest("sha256:0")
            .image_tags("v1")
            .image_manifest_media_type(index)
            .artifact_media_type("application/vnd.oci.image.config.v1+json")
            .image_status(aws_sdk_ecr::types::ImageStatus::Archived)
            .build();
        let name = ImageName::Tag("v1".into());
        let image = found(std::slice::from_ref(&detail), &name);
        let kept = image.map(|image| (image.digest, image.media_type, image.artifact_type, image.status));
        let config = "application/vnd.oci.image.config.v1+json".to_owned();
        assert_eq!(
            kept,
            Some(("sha256:0".to_owned(), Some(index.to_owned()), Some(config), Some("ARCHIVED".to_owned())))
        );
        assert!(found(&[detail], &ImageName::Tag("v2".into())).is_none());
    }

    #[test]
    fn the_failure_is_about_the_image_that_it_names() {
        let text = "ImageNotFoundException: The image with imageId {imageDigest:'null', imageTag:'v1'} does not exist \
                    within the repository with name 'v2' in the registry with id '111122223333'";
        assert!(is_about(text, &ImageName::Tag("v1".into())));
        assert!(!is_about(text, &ImageName::Tag("v2".into())));
        assert!(!is_about(text, &ImageName::Tag("v".into())));
        assert!(!is_about(text, &ImageName::Digest("null".into())));
        assert!(!is_about("ImageNotFoundException", &ImageName::Tag("v1".into())));
    }
}
