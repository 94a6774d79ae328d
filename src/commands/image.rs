//! `pullaudit image`: what a reference means.

use crate::cli::{Image, Output};
use crate::clouds::Clouds;
use crate::exit::Exit;
use crate::input;
use crate::usage::usage;
use anyhow::{Context, Result, bail};
use pullaudit_core::ImageRef;
use serde::Serialize;
use std::fmt::Write as _;
use std::io::Write;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Meaning<'a> {
    input: &'a str,
    registry: &'a str,
    repository: &'a str,
    tag: Option<&'a str>,
    digest: Option<&'a str>,
    implied_tag: bool,
    owner: Option<pullaudit_core::Owner>,
}

#[derive(Serialize)]
struct Failure<'a> {
    input: &'a str,
    error: String,
}

/// Answers each reference. A line of standard input that does not parse has its answer; an argument that does not parse
/// fails the command, as does standard input without a line.
pub fn run(args: &Image, clouds: &Clouds, out: &mut dyn Write) -> Result<Exit> {
    if !matches!(args.output, Output::People | Output::Json) {
        return Err(usage("image prints people or json: -o json"));
    }
    let json = args.output == Output::Json;
    let mut exit = Exit::Clean;
    for reference in &args.references {
        if reference == "-" {
            let mut empty = true;
            for line in input::lines(std::io::stdin().lock()) {
                let text = match line.context("cannot read standard input")?.text() {
                    Ok(text) => answer(&text, clouds, json)?,
                    Err((input, error)) => unanswered(&input, error, json)?,
                };
                out.write_all(text.as_bytes())?;
                empty = false;
            }
            if empty {
                bail!("standard input is empty: give one image reference on each line");
            }
        } else {
            if ImageRef::parse(reference).is_err() {
                exit = Exit::Failed;
            }
            out.write_all(answer(reference, clouds, json)?.as_bytes())?;
        }
    }
    Ok(exit)
}

fn unanswered(input: &str, error: String, json: bool) -> Result<String> {
    if json {
        return Ok(serde_json::to_string(&Failure { input, error })? + "\n");
    }
    Ok(format!("{input}…\n  {error}\n"))
}

fn answer(input: &str, clouds: &Clouds, json: bool) -> Result<String> {
    let parsed = ImageRef::parse(input);
    if json {
        let line = match &parsed {
            Ok(image) => serde_json::to_string(&Meaning {
                input,
                registry: image.registry.as_str(),
                repository: &image.repository,
                tag: image.tag.as_deref(),
                digest: image.digest.as_deref(),
                implied_tag: image.implied_tag,
                owner: clouds.owner(&image.registry),
            })?,
            Err(error) => serde_json::to_string(&Failure { input, error: error.to_string() })?,
        };
        return Ok(line + "\n");
    }
    let mut text = format!("{input}\n");
    match &parsed {
        Err(error) => writeln!(text, "  {error}")?,
        Ok(image) => {
            writeln!(text, "  registry    {}", image.registry.as_str())?;
            writeln!(text, "  repository  {}", image.repository)?;
            if let Some(tag) = &image.tag {
                writeln!(text, "  tag         {tag}{}", if image.implied_tag { " (implied)" } else { "" })?;
            }
            if let Some(digest) = &image.digest {
                writeln!(text, "  digest      {digest}")?;
            }
            match clouds.owner(&image.registry) {
                None => writeln!(text, "  owner       none of the clouds; not judged")?,
                Some(owner) => {
                    let parts = [owner.scope.as_deref(), owner.location.as_deref()];
                    let place = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
                    writeln!(text, "  owner       {} {place}", owner.provider)?;
                    writeln!(
                        text,
                        "  plugin      {}",
                        owner.plugin.unwrap_or("none: the kubelet has no credentials for this host")
                    )?;
                }
            }
        }
    }
    Ok(text)
}
