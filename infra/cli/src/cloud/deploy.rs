//! `deploy`: the packages and the template, then what the stack is called.

use std::fs;
use std::path::Path;

use serde_json::json;

use super::Cloud;
use super::setup::configuration;
use crate::Ended;
use crate::args::Deploy;
use crate::output::Out;
use crate::trouble::Trouble;

/// Folder that the template takes packages from, beside it.
const PACKAGES: &str = "dist/functions";

/// Deploys, and prints the outputs.
///
/// # Rejects
/// A stack that is not set up, or packages that are not there.
pub fn run(asked: &Deploy, cloud: &Cloud, out: &mut Out<'_>) -> Result<Ended, Trouble> {
    let file = configuration(&cloud.stack);
    let path = fs::canonicalize(&file).map_err(|_| {
        Trouble::Usage(format!("{file} is not there: guerdon setup makes it, in the folder of this one"))
    })?;
    let to = asked.template.parent().unwrap_or(Path::new("")).join(PACKAGES);
    if let Some(from) = &asked.packages {
        copied(from, &to, cloud, out)?;
    }
    let (template, path) = (asked.template.display().to_string(), path.display().to_string());
    cloud.sam(&["deploy", "--template-file", &template, "--config-file", &path], out)?;
    if cloud.is_dry() {
        return Ok(Ended::Fine);
    }
    let outputs = cloud.outputs()?;
    out.thing(&json!(outputs))?;
    let stack = &cloud.stack;
    out.note(&format!(
        "next: guerdon --stack {stack} admin create YOU@EXAMPLE.COM, then guerdon --stack {stack} smoke"
    ))?;
    Ok(Ended::Fine)
}

/// Copies packages to where the template looks for them.
fn copied(from: &Path, to: &Path, cloud: &Cloud, out: &mut Out<'_>) -> Result<(), Trouble> {
    let unreadable = |error| Trouble::Usage(format!("{}: {error}; .ci/release makes packages", from.display()));
    let names: Vec<_> = fs::read_dir(from).map_err(unreadable)?.flatten().map(|entry| entry.path()).collect();
    let zips: Vec<_> = names.iter().filter(|path| path.extension().is_some_and(|end| end == "zip")).collect();
    if zips.is_empty() {
        return Err(Trouble::Usage(format!("{} has no packages; .ci/release makes them", from.display())));
    }
    out.note(&format!("{} cp {}/*.zip {}/", cloud.sign(), from.display(), to.display()))?;
    if !cloud.is_dry() {
        fs::create_dir_all(to)?;
        for zip in zips {
            fs::copy(zip, to.join(zip.file_name().unwrap_or_default()))?;
        }
    }
    Ok(())
}
