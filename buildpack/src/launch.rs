//! Process types for CNB.

use crate::detect::PlannedProcess;
use libcnb::data::launch::{Launch, LaunchBuilder, ProcessBuilder, ProcessType, WorkingDirectory};

/// Makes `launch.toml`. A Procfile's command is shell text and is run by `bash -c`, as Heroku does; the app's own
/// process is words. `web` is the default, else the only process.
pub(crate) fn launch(processes: &[PlannedProcess]) -> Result<Launch, String> {
    let mut launch = LaunchBuilder::new();
    for process in processes {
        let name: ProcessType = process
            .name
            .parse()
            .map_err(|_| format!("`{}` cannot be a process type", process.name))?;
        let mut builder = if process.shell {
            let mut builder = ProcessBuilder::new(name, ["bash", "-c"]);
            builder.arg(&process.command);
            builder
        } else {
            ProcessBuilder::new(name, process.command.split(' '))
        };
        builder.default(process.name == "web" || processes.len() == 1);
        if let Some(folder) = &process.working_directory {
            // Relative to the app directory (buildpack.md, "launch.toml"), so that the output can be moved.
            builder.working_directory(WorkingDirectory::Directory(folder.into()));
        }
        launch.process(builder.build());
    }
    Ok(launch.build())
}

#[cfg(test)]
mod tests {
    use super::*;
    use slugbuilder_report::Origin;

    fn process(name: &str, command: &str, shell: bool) -> PlannedProcess {
        PlannedProcess {
            name: name.into(),
            command: command.into(),
            origin: Origin::file("Procfile"),
            shell,
            working_directory: None,
        }
    }

    #[test]
    fn a_working_directory_is_relative_to_the_app() {
        let process = PlannedProcess {
            working_directory: Some("packages/api".into()),
            ..process("web", "node web.js", false)
        };
        insta::assert_snapshot!(toml::to_string(&launch(&[process]).unwrap()).unwrap(), @r#"
        [[processes]]
        type = "web"
        command = ["node", "web.js"]
        default = true
        working-dir = "packages/api"
        "#);
    }

    #[test]
    fn shell_text_is_run_by_bash() {
        let launch = launch(&[
            process("web", "node web.js", false),
            process("my_Worker", "exec node worker.js | tee $LOG", true),
        ]);
        insta::assert_snapshot!(toml::to_string(&launch.unwrap()).unwrap(), @r#"
        [[processes]]
        type = "web"
        command = ["node", "web.js"]
        default = true

        [[processes]]
        type = "my_Worker"
        command = ["bash", "-c"]
        args = ["exec node worker.js | tee $LOG"]
        "#);
    }
}
