//! What the figures depend on besides the code. No names of hosts or users and no paths.

use crate::tools::{self, Tool};
use std::fs;
use std::path::Path;
use std::process::Command;

/// One sentence on the machine and one on its tools, for a file system at `work`.
pub(crate) fn describe(work: &Path) -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let processor = processor(&read("/proc/cpuinfo"));
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let memory = gigabytes(&read("/proc/meminfo"));
    let kernel = read("/proc/sys/kernel/osrelease");
    let file_system = work
        .canonicalize()
        .ok()
        .and_then(|work| file_system(&read("/proc/self/mountinfo"), &work))
        .unwrap_or_else(|| "an unknown file system".into());
    let tools: Vec<String> = tools::ALL
        .iter()
        .filter(|tool| tools::installed(tool.program))
        .map(version)
        .collect();
    format!(
        "{processor}, {cores} cores, {memory} GB of memory, Linux {}, {file_system}.\nPeers: {}.",
        release(&kernel),
        tools.join(", ")
    )
}

/// The model, of /proc/cpuinfo.
fn processor(information: &str) -> String {
    information
        .lines()
        .find_map(|line| {
            let (name, value) = line.split_once(':')?;
            (name.trim() == "model name").then(|| value.trim().to_owned())
        })
        .unwrap_or_else(|| std::env::consts::ARCH.to_owned())
}

/// All memory, of /proc/meminfo, in gigabytes of 1,000,000,000 bytes.
fn gigabytes(information: &str) -> u64 {
    information
        .lines()
        .find_map(|line| {
            let amount = line.strip_prefix("MemTotal:")?.split_whitespace().next()?;
            amount.parse::<u64>().ok()
        })
        .map_or(0, |kibibytes| {
            (kibibytes * 1024 + 500_000_000) / 1_000_000_000
        })
}

/// The number of a kernel's release, without what a vendor adds to it.
fn release(kernel: &str) -> &str {
    let kernel = kernel.trim();
    let end = kernel
        .find(|character: char| !character.is_ascii_digit() && character != '.')
        .unwrap_or(kernel.len());
    &kernel[..end]
}

/// The type of the file system at `path`, of /proc/self/mountinfo (see `proc_pid_mountinfo(5)`).
fn file_system(mounts: &str, path: &Path) -> Option<String> {
    mounts
        .lines()
        .filter_map(|line| {
            let (mount, rest) = line.split_once(" - ")?;
            let point = mount.split(' ').nth(4)?;
            let kind = rest.split(' ').next()?;
            path.starts_with(point).then_some((point.len(), kind))
        })
        // Of mounts on one point the last hides the others.
        .max_by_key(|(length, _)| *length)
        .map(|(_, kind)| kind.to_owned())
}

/// A tool and its version.
fn version(tool: &Tool) -> String {
    let output = Command::new(tool.program).arg(tool.version).output();
    let text = output.map_or_else(
        |_| String::new(),
        |output| {
            // pigz says it on stderr.
            String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
        },
    );
    format!("{} {}", tool.name, number(&text))
}

/// The first word of a text that is or ends with a version number.
fn number(text: &str) -> &str {
    text.split_whitespace()
        .find_map(|word| {
            let word = word.trim_start_matches("go");
            (word.contains('.') && word.starts_with(|first: char| first.is_ascii_digit()))
                .then_some(word)
        })
        .unwrap_or("of an unknown version")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_read() {
        assert_eq!(
            processor("processor\t: 0\nmodel name\t: AMD EPYC\n"),
            "AMD EPYC"
        );
        assert_eq!(
            gigabytes("MemTotal:       24000000 kB\nMemFree: 1 kB\n"),
            25
        );
        assert_eq!(release("6.18.44-vendor-7\n"), "6.18.44");
        let mounts = "1 0 8:1 / / rw shared:1 - ext4 /dev/a rw\n\
            2 1 0:9 / /tmp rw - overlay none rw\n\
            3 1 0:9 / /tmp rw - tmpfs none rw\n";
        assert_eq!(
            file_system(mounts, Path::new("/tmp/a")),
            Some("tmpfs".into())
        );
        assert_eq!(file_system(mounts, Path::new("/tmpa")), Some("ext4".into()));
    }

    #[test]
    fn versions_are_found_in_what_tools_say() {
        assert_eq!(number("tar (GNU tar) 1.34\nCopyright 2021"), "1.34");
        assert_eq!(number("go version go1.26.8 linux/amd64"), "1.26.8");
        assert_eq!(number("pigz 2.6\n"), "2.6");
        assert_eq!(number("v20"), "of an unknown version");
    }
}
