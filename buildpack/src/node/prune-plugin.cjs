// A plugin for Yarn 2 and later that removes development dependencies: it installs as if nobody had any, and leaves
// package.json and the lockfile as they are. Yarn 4's `workspaces focus --production` does the same, but runs the app's own
// `postinstall` again, without the development dependencies that it may need; Yarn 2 and 3 have no such command.
//
// $SLUGBUILDER_FOCUS names a part of the workspace: then only that and what it depends on get their packages.
module.exports = {
  name: "slugbuilder-prune",
  factory: (require) => {
    const { BaseCommand } = require("@yarnpkg/cli");
    const { Cache, Configuration, Project, StreamReport, structUtils } = require("@yarnpkg/core");

    // The parts of the workspace that are needed: a set may grow while it is walked.
    const needed = (project) => {
      const name = process.env.SLUGBUILDER_FOCUS;
      if (!name) return new Set(project.workspaces);
      const parts = new Set([project.getWorkspaceByIdent(structUtils.parseIdent(name))]);
      for (const part of parts) {
        for (const descriptor of part.manifest.dependencies.values()) {
          const other = project.tryWorkspaceByDescriptor(descriptor);
          if (other) parts.add(other);
        }
      }
      return parts;
    };

    class Prune extends BaseCommand {
      async execute() {
        const configuration = await Configuration.find(this.context.cwd, this.context.plugins);
        const { project } = await Project.find(configuration, this.context.cwd);
        const cache = await Cache.find(configuration);
        await project.restoreInstallState({ restoreResolutions: false });
        const parts = needed(project);
        for (const workspace of project.workspaces) {
          const { manifest } = workspace;
          manifest.devDependencies.clear();
          manifest.scripts.clear();
          if (!parts.has(workspace)) {
            manifest.installConfig = { ...manifest.installConfig, selfReferences: false };
            manifest.dependencies.clear();
            manifest.peerDependencies.clear();
          }
        }
        const options = { configuration, json: false, stdout: this.context.stdout, includeLogs: true };
        const report = await StreamReport.start(options, async (report) => {
          await project.install({ cache, report, persistProject: false });
        });
        return report.exitCode();
      }
    }
    Prune.paths = [["slugbuilder", "prune"]];
    // Yarn 2 has no static paths.
    if (Prune.addPath) Prune.addPath("slugbuilder", "prune");

    return { commands: [Prune] };
  },
};
