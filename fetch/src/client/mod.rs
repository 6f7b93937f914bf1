//! The client: what a transfer is, and where its bytes go.

mod answer;
mod call;
mod early_answer;
mod failure;
mod partial;
mod progress;
mod proxy;
mod public;
mod source;
mod stream;
#[cfg(test)]
mod tests;
mod transfer;
mod trust;

pub use call::{Answer, Call, Content, Method, Redirects};
pub(crate) use early_answer::is_after_sending;
pub(crate) use partial::Partial;
pub use public::is_public;
pub use stream::{Piece, Stream};

use self::early_answer::ReadsEarlyAnswers;
use self::public::Resolves;
use crate::url::{Scheme, Url, redacted};
use crate::{Checksum, FetchError, Settings};
use slugbuilder_report::{Reporter, Silent};
use std::path::Path;
use ureq::tls::TlsConfig;
use ureq::unversioned::transport::{Connector as _, DefaultConnector};

/// Something to download.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Download {
    /// Where it is: `https://`, `http://` or `file://`. User information is sent as HTTP basic authentication.
    pub url: String,
    /// What it is, for people: `Node.js 24.1.0`.
    pub name: String,
    /// What it must be; nothing where that is not known.
    pub checksum: Option<Checksum>,
    /// The most bytes to take.
    pub max_bytes: u64,
}

/// What was downloaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Downloaded {
    /// Its size in bytes.
    pub bytes: u64,
    /// Its SHA-256, whatever it was verified with.
    pub sha256: Checksum,
}

/// Makes transfers, from one thread or several. Connections are reused.
#[derive(Debug)]
pub struct Client {
    settings: Settings,
    direct: ureq::Agent,
    /// Only where there is a proxy for the scheme.
    through_http_proxy: Option<ureq::Agent>,
    through_https_proxy: Option<ureq::Agent>,
    rules: proxy::Rules,
}

impl Client {
    /// A client with these settings. Opens no connection.
    pub fn new(settings: Settings) -> Result<Self, FetchError> {
        let authorities = if settings.offline {
            ureq::tls::RootCerts::WebPki
        } else {
            trust::authorities(settings.ca_file.as_deref())?
        };
        let tls = TlsConfig::builder().root_certs(authorities).build();
        let agent = |proxy: Option<ureq::Proxy>| -> ureq::Agent {
            let direct = proxy.is_none();
            let config = ureq::Agent::config_builder()
                .tls_config(tls.clone())
                .proxy(proxy)
                .user_agent(settings.user_agent.as_str())
                // Nothing here decodes a body: what arrives is what the checksum is of.
                .accept_encoding("identity")
                .http_status_as_error(false)
                // Redirects are followed by `transfer`, which sees where they lead.
                .max_redirects(0)
                .max_redirects_will_error(false)
                .timeout_resolve(Some(settings.connect_timeout))
                .timeout_connect(Some(settings.connect_timeout))
                .timeout_recv_response(Some(settings.stall_timeout))
                .timeout_per_read(Some(settings.stall_timeout))
                .timeout_per_write(Some(settings.stall_timeout))
                .build();
            ureq::Agent::with_parts(
                config,
                DefaultConnector::new().chain(ReadsEarlyAnswers),
                Resolves {
                    // That of a proxy is the operator's choice, and may be anywhere.
                    public_only: settings.public_only && direct,
                    ..Resolves::default()
                },
            )
        };
        Ok(Self {
            direct: agent(None),
            through_http_proxy: proxy::proxy(&settings.proxies, "http")?
                .map(|proxy| agent(Some(proxy))),
            through_https_proxy: proxy::proxy(&settings.proxies, "https")?
                .map(|proxy| agent(Some(proxy))),
            rules: proxy::Rules::new(settings.proxies.no_proxy.as_deref().unwrap_or_default()),
            settings,
        })
    }

    /// What it was made with.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Brings a small UTF-8 document of at most `max_bytes`, for example `SHASUMS256.txt`.
    pub fn text(&self, url: &str, max_bytes: u64) -> Result<String, FetchError> {
        let request = Download {
            url: url.to_owned(),
            name: redacted(url),
            checksum: None,
            max_bytes,
        };
        let mut partial = Partial::in_memory();
        self.transfer(&request, &mut partial, &Silent)?;
        String::from_utf8(partial.into_bytes())
            .map_err(|_| FetchError::NotText { url: redacted(url) })
    }

    /// Brings `request` to `destination`, which appears only when it is whole and verified, and replaces what was
    /// there. Its folder must exist; a download that is killed leaves a file `.fetching-…` in it.
    pub fn download(
        &self,
        request: &Download,
        destination: &Path,
        reporter: &dyn Reporter,
    ) -> Result<Downloaded, FetchError> {
        self.download_to(request, destination, None, reporter)
    }

    /// The same, which asks `cancelled` again and again whether to give up, with [`FetchError::Cancelled`]; nothing is left
    /// then. Only while a server keeps silent after a request, it goes unasked, for [`Settings::stall_timeout`] at most.
    pub fn download_unless(
        &self,
        request: &Download,
        destination: &Path,
        cancelled: &dyn Fn() -> bool,
        reporter: &dyn Reporter,
    ) -> Result<Downloaded, FetchError> {
        self.download_to(request, destination, Some(cancelled), reporter)
    }

    fn download_to(
        &self,
        request: &Download,
        destination: &Path,
        cancelled: Option<&dyn Fn() -> bool>,
        reporter: &dyn Reporter,
    ) -> Result<Downloaded, FetchError> {
        // Before anything is asked for.
        if let Err(source) = std::fs::metadata(partial::folder(destination)) {
            return Err(FetchError::Disk {
                action: "write",
                path: destination.to_owned(),
                source,
            });
        }
        let mut partial = Partial::beside(destination);
        let downloaded = self.transfer_unless(request, &mut partial, cancelled, reporter)?;
        partial.finish()?;
        Ok(downloaded)
    }

    /// The connections that serve `url`, unless it may not be reached.
    fn agent(&self, url: &Url) -> Result<&ureq::Agent, FetchError> {
        if self.settings.public_only && url.address().is_some_and(|address| !is_public(address)) {
            return Err(FetchError::NotPublic {
                url: url.to_string(),
            });
        }

        let proxied = match url.scheme {
            Scheme::Http => self.through_http_proxy.as_ref(),
            Scheme::Https => self.through_https_proxy.as_ref(),
            Scheme::File => None,
        };
        Ok(proxied
            .filter(|_| !self.rules.is_direct(url))
            .unwrap_or(&self.direct))
    }
}
