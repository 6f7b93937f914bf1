//! The terminal: everything for people goes to stderr, data goes to stdout.

use crate::arguments::{Colours, OutputArguments};
use crate::failure::{Failure, OutputError};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use slugbuilder_report::{Event, Reporter, Style, TransferId, Warning, printable};
use std::collections::HashMap;
use std::io::{ErrorKind, IsTerminal as _, Write as _};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Prints events as they come.
pub(crate) struct Printer {
    quiet: bool,
    style: Style,
    data_style: Style,
    bars: MultiProgress,
    running: Mutex<HashMap<TransferId, ProgressBar>>,
}

/// Prints data for scripts to stdout.
pub(crate) fn print_data(text: &str) -> Result<(), OutputError> {
    print_bytes(text.as_bytes())
}

/// The same for what is JSON.
pub(crate) fn print_json(value: &impl serde::Serialize) -> Result<(), OutputError> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| OutputError(std::io::Error::other(error)))?;
    print_data(&text)
}

/// The same for what need not be text.
pub(crate) fn print_bytes(bytes: &[u8]) -> Result<(), OutputError> {
    let mut stdout = std::io::stdout().lock();
    let written = stdout
        .write_all(bytes)
        .and_then(|()| stdout.write_all(b"\n"))
        .and_then(|()| stdout.flush());
    match written {
        // A reader that has gone away wants no more.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(OutputError(error)),
        _ => Ok(()),
    }
}

/// `text`, which may quote anything, so that it cannot drive a terminal and stays on its line.
pub(crate) fn one_line(text: &str) -> String {
    printable(text).replace('\n', "\\n")
}

impl Printer {
    pub(crate) fn new(arguments: &OutputArguments) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let style_on = |terminal: bool| {
            let colour = match arguments.color {
                Colours::Always => true,
                Colours::Never => false,
                // https://no-color.org: set and not empty.
                Colours::Auto => {
                    terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
                }
            };
            if colour { Style::Colour } else { Style::Plain }
        };
        let target = if terminal && !arguments.quiet {
            ProgressDrawTarget::stderr_with_hz(10)
        } else {
            ProgressDrawTarget::hidden()
        };
        Self {
            quiet: arguments.quiet,
            style: style_on(terminal),
            data_style: style_on(std::io::stdout().is_terminal()),
            bars: MultiProgress::with_draw_target(target),
            running: Mutex::new(HashMap::new()),
        }
    }

    /// How text may look that goes to stdout and is for people, too.
    pub(crate) fn data_style(&self) -> Style {
        self.data_style
    }

    /// Prints something for people.
    pub(crate) fn say(&self, text: &str) {
        if !self.quiet {
            self.line(printable(text).as_bytes());
        }
    }

    pub(crate) fn failure(&self, failure: &Failure) {
        self.line(failure.0.render(self.style).trim_end().as_bytes());
    }

    pub(crate) fn warning(&self, warning: &Warning) {
        self.line(warning.render(self.style).trim_end().as_bytes());
    }

    /// Progress bars are taken off the terminal while a line is written.
    fn line(&self, text: &[u8]) {
        self.bars.suspend(|| {
            // At once: a server writes such a line for each request, and others may write to the same place.
            let line = [text, b"\n"].concat();
            // There is nowhere to report that there is nowhere to report to.
            let _ = std::io::stderr().lock().write_all(&line);
        });
    }
}

impl Reporter for Printer {
    fn report(&self, event: Event<'_>) {
        let running = || self.running.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Warning(warning) => self.warning(warning),
            Event::Step(text) if !self.quiet => {
                self.line(self.style.bold(&printable(text)).as_bytes());
            }
            Event::Note(text) => self.say(&format!("  {text}")),
            Event::Output(line) if !self.quiet => {
                let mut text = b"  ".to_vec();
                text.extend_from_slice(line);
                self.line(&text);
            }
            Event::Started { id, name, total } => {
                let bar = self.bars.add(match total {
                    Some(total) => ProgressBar::new(total).with_style(bar_style()),
                    None => ProgressBar::new_spinner(),
                });
                bar.set_message(one_line(name));
                bar.enable_steady_tick(Duration::from_millis(200));
                running().insert(id, bar);
            }
            Event::Progressed { id, position } => {
                if let Some(bar) = running().get(&id) {
                    bar.set_position(position);
                }
            }
            Event::Finished { id } => {
                if let Some(bar) = running().remove(&id) {
                    bar.finish_and_clear();
                    self.bars.remove(&bar);
                }
            }
            // New events of the library, until they are given a look of their own.
            _ => {}
        }
    }
}

fn bar_style() -> ProgressStyle {
    ProgressStyle::with_template("  {msg} {bar:30} {bytes}/{total_bytes} {eta}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// `bytes` as people write it, in decimal units.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut tenths = u128::from(bytes) * 10;
    let mut unit = "";
    for next in UNITS {
        tenths = (tenths + 500) / 1000;
        unit = next;
        if tenths < 10_000 {
            break;
        }
    }
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

/// `count` things, with the plural's `s` where it belongs and commas between thousands.
pub(crate) fn count(count: u64, thing: &str) -> String {
    let digits = count.to_string();
    let mut number = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            number.push(',');
        }
        number.push(digit);
    }
    format!("{number} {thing}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_text_stays_on_its_line_and_off_the_terminal() {
        assert_eq!(
            one_line("\u{1b}]0;x\u{7}a\nb\r\u{9b}é"),
            r"\u{1b}]0;x\u{7}a\nb\r\u{9b}é"
        );
    }

    #[test]
    fn counts_are_readable() {
        let counts = [0, 1, 999, 1000, 1_234_567].map(|number| count(number, "file"));
        assert_eq!(
            counts,
            [
                "0 files",
                "1 file",
                "999 files",
                "1,000 files",
                "1,234,567 files"
            ]
        );
    }

    #[test]
    fn sizes_have_three_digits_or_four() {
        let sizes = [0, 999, 1000, 1050, 999_949, 999_950, 18_234_567, u64::MAX].map(size);
        assert_eq!(
            sizes,
            [
                "0 B",
                "999 B",
                "1.0 kB",
                "1.1 kB",
                "999.9 kB",
                "1.0 MB",
                "18.2 MB",
                "18446744.1 TB"
            ]
        );
    }
}
