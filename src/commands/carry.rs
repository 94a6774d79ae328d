//! From a plan to a changed cloud: what fix, apply and undo share.

use crate::cli::{Consent, PlanOutput, Writing};
use crate::clouds::Clouds;
use crate::exit::Exit;
use crate::interrupt::Interrupt;
use crate::progress::Progress;
use crate::remediate::Plan;
use crate::remediate::consent::{self, Agreement, Selection};
use crate::remediate::ending::{self, Ending, Outcomes};
use crate::remediate::journal::ReceiptFile;
use crate::remediate::judge::worst;
use crate::remediate::receipt::{Entry, Receipt, Seen};
use crate::remediate::told::line;
use crate::remediate::write::{Carrier, Found};
use crate::report::{self, Around, Paint};
use crate::settings::Settings;
use anyhow::{Context, Result};
use jiff::Timestamp;
use pullaudit_core::{Action, Change, Outcome, Section, shell_word};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

/// Most changes of one plan, where nobody says otherwise.
const MAX_CHANGES: usize = 50;

/// What the command line and the config agree to.
pub fn agreement(writing: &Writing, settings: &Settings) -> Agreement {
    Agreement {
        broad: writing.consent.contains(&Consent::Broad),
        prune: writing.consent.contains(&Consent::Prune),
        yes: writing.yes,
        max_changes: writing.max_changes.or(settings.config.limits.max_changes).unwrap_or(MAX_CHANGES),
    }
}

/// A plan on its way.
pub struct Carry<'a> {
    /// What the run is told.
    pub settings: &'a Settings,
    /// The clouds.
    pub clouds: &'a Clouds,
    /// What to write.
    pub plan: &'a Plan,
    /// What was read for it, by cloud; nothing where it comes from a file.
    pub known: &'a BTreeMap<String, Section>,
    /// What the user agrees to.
    pub agreement: Agreement,
    /// The flags about writing.
    pub writing: &'a Writing,
    /// How the end is shown.
    pub output: PlanOutput,
    /// Nothing is to be written.
    pub dry: bool,
    /// The selection of the run as flags, for the lines that people copy.
    pub again: &'a str,
    /// Where the plan was saved.
    pub saved: Option<&'a Path>,
    /// Colours.
    pub paint: Paint,
    /// Whether the user wants to end.
    pub interrupt: &'a Interrupt,
}

impl Carry<'_> {
    /// Shows the plan, asks, writes, verifies, and says how it ends.
    pub async fn run(&self, progress: Progress, out: &mut dyn Write) -> Result<Exit> {
        let carrier = Carrier {
            clouds: self.clouds,
            plan: self.plan,
            known: self.known,
            side_by_side: self.settings.concurrency(),
            verify_timeout: self.writing.verify_timeout,
            interrupt: self.interrupt,
        };
        progress.say("asking for your own rights to write");
        let rights = carrier.rights().await;
        drop(progress);
        let selection = consent::select(self.plan, &rights, &self.agreement);
        let around = Around { dry: self.dry, rights, left: left(&selection), empty: false };
        let text = report::plan(self.plan, &around, self.paint);
        let mut aside = std::io::stderr();
        let told: &mut dyn Write = if self.output == PlanOutput::Json { &mut aside } else { &mut *out };
        // A dry run's JSON is the plan already.
        let text = if self.dry && self.output == PlanOutput::Json { String::new() } else { text };
        let shown = told.write_all(text.as_bytes()).and_then(|()| told.flush());
        if self.dry || !self.agreement.yes {
            shown?;
        }
        if self.dry || selection.write.is_empty() {
            return self.unwritten(&selection, out);
        }
        consent::within_bounds(&selection, &self.agreement)?;
        if !self.agreement.yes && !consent::ask(&selection, bodies(&selection)).await? {
            writeln!(aside, "nothing was written")?;
            return self.unwritten(&selection, out);
        }
        self.interrupt.begin();
        let (file, settled) = self.written(&carrier, &selection, out).await?;
        let ending = self.ending(&selection, &file.receipt, settled);
        // Whoever reads may have gone: how it ended stands in the receipt.
        let _ = self.tell_end(&selection, &file, &ending, out);
        Ok(ending.exit)
    }

    /// The receipt, and whether the clouds' settings now say what was expected.
    async fn written(
        &self,
        carrier: &Carrier<'_>,
        selection: &Selection<'_>,
        out: &mut dyn Write,
    ) -> Result<(ReceiptFile, bool)> {
        let mut aside = std::io::stderr();
        let told: &mut dyn Write = if self.output == PlanOutput::Json { &mut aside } else { &mut *out };
        let only_removals = selection.write.iter().all(|change| change.action == Action::Remove);
        let clusters = if only_removals { Vec::new() } else { carrier.clusters(&selection.write).await? };
        let receipt = Receipt::new(self.plan, &selection.write, Timestamp::now())?;
        let mut file = ReceiptFile::create(self.writing.receipt_out.as_deref(), receipt)?;
        let _ = writeln!(told);
        line(told, "receipt", &file.path().display().to_string());
        carrier.write(&selection.write, &clusters, &mut file, told).await?;
        let until = Instant::now() + carrier.verify_timeout;
        let settled = carrier.verify(&mut file, until, told).await.unwrap_or_else(|error| {
            line(told, "listed", &format!("not known: {error:#}"));
            false
        });
        self.effect(&clusters, &mut file, until, told).await?;
        let kept = file.finish();
        kept.with_context(|| format!("the receipt {} can't be kept", file.path().display()))?;
        Ok((file, settled))
    }

    #[cfg(feature = "live")]
    async fn effect(
        &self,
        clusters: &[Found<'_>],
        file: &mut ReceiptFile,
        until: Instant,
        out: &mut dyn Write,
    ) -> Result<()> {
        crate::remediate::effect::watch(self.settings, clusters, file, until, self.interrupt, out).await
    }

    #[cfg(not(feature = "live"))]
    #[allow(
        clippy::unused_async,
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "the live build waits here"
    )]
    async fn effect(&self, _: &[Found<'_>], _: &mut ReceiptFile, _: Instant, _: &mut dyn Write) -> Result<()> {
        Ok(())
    }

    /// How a run ends that wrote nothing.
    fn unwritten(&self, selection: &Selection<'_>, out: &mut dyn Write) -> Result<Exit> {
        let ending = ending::unwritten(self.plan, self.dry, selection.refused.len(), selection.write.len());
        match self.output {
            PlanOutput::People => {
                self.tell_saved(out)?;
                writeln!(out, "{}", ending.line)?;
            }
            PlanOutput::Json => writeln!(out, "{}", serde_json::to_string_pretty(self.plan)?)?,
        }
        Ok(ending.exit)
    }

    /// The line that applies the saved plan.
    fn tell_saved(&self, out: &mut dyn Write) -> Result<()> {
        let Some(path) = self.saved else { return Ok(()) };
        let consents = [(self.agreement.broad, "broad"), (self.agreement.prune, "prune")];
        let given = consents.iter().filter(|(given, _)| *given);
        let consents = given.fold(String::new(), |flags, (_, kind)| flags + " --consent " + kind);
        let path = shell_word(&path.display().to_string());
        let line = format!("pullaudit apply {path}{}{consents}", self.again);
        writeln!(out, "Apply it with: {}", self.paint.command(&line))?;
        Ok(())
    }

    /// The plan changes nothing: all is well, all is held back, or not everything is known.
    pub fn nothing(&self, out: &mut dyn Write) -> Result<Exit> {
        let ending = ending::nothing_to_write(self.plan);
        if self.output == PlanOutput::Json {
            writeln!(out, "{}", serde_json::to_string_pretty(self.plan)?)?;
            return Ok(ending.exit);
        }
        let empty = self.plan.is_empty();
        if empty {
            let known = if self.plan.complete { "is" } else { "is known to be" };
            writeln!(out, "nothing to fix: no pull that a workload needs {known} denied")?;
        }
        let around = Around { dry: true, empty, ..Around::default() };
        write!(out, "{}", report::plan(self.plan, &around, self.paint))?;
        writeln!(out, "{}", ending.line)?;
        Ok(ending.exit)
    }

    /// A plan from a file of facts: no cloud is asked for rights.
    pub fn shown(&self, out: &mut dyn Write) -> Result<Exit> {
        let rights = BTreeMap::new();
        let selection = consent::select(self.plan, &rights, &self.agreement);
        if self.output == PlanOutput::People {
            let around = Around { dry: true, left: left(&selection), ..Around::default() };
            write!(out, "{}", report::plan(self.plan, &around, self.paint))?;
        }
        if let Err(refusal) = consent::within_bounds(&selection, &self.agreement) {
            tracing::warn!("a run that writes would refuse this plan: {refusal:#}");
        }
        self.unwritten(&selection, out)
    }

    fn ending(&self, selection: &Selection<'_>, receipt: &Receipt, settled: bool) -> Ending {
        let count = |what: fn(&Entry) -> bool| receipt.changes.iter().filter(|entry| what(entry)).count();
        let interrupted = self.interrupt.asked();
        let begun = |entry: &Entry| matches!(entry.outcome, Some(Outcome::Failed | Outcome::Stale));
        let outcomes = Outcomes {
            failed: count(begun),
            refused: selection.refused.len(),
            left: selection.left.len(),
            waiting: count(|entry| entry.outcome == Some(Outcome::WaitingForOwner)),
            unlisted: receipt.changes.iter().filter(|entry| self.unlisted(entry)).count(),
            unsettled: !settled,
            unseen: count(|entry| entry.effect == Some(Seen::NotSeen)),
            interrupted,
        };
        ending::written(self.plan, outcomes)
    }

    /// Whether the cloud's settings do not say yet what the plan expects of a change: a grant that was taken
    /// back goes on allowing the pull for a while.
    fn unlisted(&self, entry: &Entry) -> bool {
        let own = self.plan.questions.iter().filter(|one| one.changes.contains(&entry.change.id));
        entry.listed != worst(own.map(|one| one.expect))
    }

    fn tell_end(
        &self,
        selection: &Selection<'_>,
        file: &ReceiptFile,
        ending: &Ending,
        out: &mut dyn Write,
    ) -> Result<()> {
        let exit = ending.exit;
        if self.output == PlanOutput::Json {
            writeln!(out, "{}", serde_json::to_string_pretty(&file.receipt)?)?;
            return Ok(());
        }
        let count = |outcome: Option<Outcome>| {
            file.receipt.changes.iter().filter(|entry| entry.outcome == outcome).count()
        };
        let mut told = vec![format!("{} applied", count(Some(Outcome::Applied)))];
        if count(Some(Outcome::AlreadyThere)) > 0 {
            told.push(format!("{} already there", count(Some(Outcome::AlreadyThere))));
        }
        told.push(format!("{} failed", count(Some(Outcome::Failed))));
        told.push(format!("{} stale", count(Some(Outcome::Stale))));
        if count(None) > 0 {
            told.push(format!("{} not begun", count(None)));
        }
        let line = format!("{} {}", if exit == Exit::Failed { "✗" } else { "✓" }, told.join("   "));
        let painted = if exit == Exit::Failed { self.paint.bad(&line) } else { self.paint.good(&line) };
        writeln!(out, "\n{painted}")?;
        let mut rest = String::new();
        for (change, why) in selection.refused.iter().chain(&selection.left) {
            report::line(&mut rest, "! not written  ", 15, &format!("{}: {why}", change.target));
        }
        for held in &self.plan.held_back {
            report::line(&mut rest, "! still denied ", 15, &format!("{}: {}", held.subject, held.why));
        }
        out.write_all(rest.as_bytes())?;
        writeln!(out, "\nreceipt  {}", file.path().display())?;
        if file.receipt.changes.iter().any(Entry::may_stand) {
            let path = shell_word(&file.path().display().to_string());
            let line = format!("pullaudit undo {path}{}", self.again);
            writeln!(out, "take it back: {}", self.paint.command(&line))?;
        }
        writeln!(out, "{}", ending.line)?;
        Ok(())
    }
}

/// What is not written, and why.
fn left(selection: &Selection<'_>) -> Vec<(String, String)> {
    let left = selection.left.iter().chain(&selection.refused);
    left.map(|(change, why)| (change.target.clone(), why.clone())).collect()
}

/// What would be sent, for those who want to see it.
fn bodies(selection: &Selection<'_>) -> String {
    let one = |change: &&Change| {
        let body = change.after.as_ref().or(change.before.as_ref()).cloned().unwrap_or_default();
        let verb = if change.action == Action::Remove { "remove" } else { "write" };
        format!("{verb} {}\n{}", change.document, serde_json::to_string_pretty(&body).unwrap_or_default())
    };
    selection.write.iter().map(one).collect::<Vec<_>>().join("\n")
}
