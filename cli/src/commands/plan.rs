//! `slugbuilder plan`

mod detected;
mod document;
mod text;

use super::compile::app_root;
use crate::arguments::PlanArguments;
use crate::environment;
use crate::failure::{Failure, OutputError, SignalError};
use crate::printer::{Printer, print_data};
use crate::signals::{self, Forced};
use slugbuilder::plan::{PlanOptions, plan};
use slugbuilder::stack::Stack;
use std::process::ExitCode;

pub(super) fn run(arguments: &PlanArguments, printer: &Printer) -> Result<ExitCode, Failure> {
    let host = environment::host();
    let requests = signals::watch(Forced::AtOnce).map_err(SignalError)?;
    let (plan, detection) = if arguments.buildpacks.any() {
        let (plan, detection) = detected::plan(arguments, host, requests.stop, printer)?;
        (plan, Some(detection))
    } else {
        let plan = plan(&PlanOptions {
            source: arguments.source.source.clone(),
            root: app_root(&arguments.source)?,
            stack: Stack::named(arguments.source.stack())?,
            buildpack: slugbuilder_buildpack::BUILDPACK_TOML,
            all_files: arguments.source.all_files,
            config_vars: environment::config_vars(&arguments.variables, &host)?,
            locking: arguments.lock.locking(),
            interrupt: requests.stop,
        })?;
        (plan, None)
    };
    for warning in &plan.report.warnings {
        printer.warning(warning);
    }
    let data = if arguments.json {
        document::plan(&plan, arguments.source.stack(), detection.as_ref())
            .map_err(|error| OutputError(error.into()))?
    } else {
        text::plan(&plan, detection.as_ref(), printer.data_style())
    };
    print_data(&data)?;
    Ok(ExitCode::SUCCESS)
}
