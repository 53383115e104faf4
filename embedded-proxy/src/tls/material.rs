//! What a TLS context is made of, from wherever it comes, and what follows it when it changes.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use futures_util::FutureExt as _;
use futures_util::future::select_all;
use tokio::sync::watch;

use super::certificate::{Certificate, CertificateSource};
use super::secret::{Content, Secret};
use super::validation::{Validation, ValidationSource};
use crate::proto::Reader;
use crate::services::{Build, Services};
use crate::xds::{ConfigSource, Watched};

/// Time between looks at files.
const POLL: Duration = Duration::from_secs(5);

/// Own certificates, and what peers are checked against.
pub type Presented = (Vec<Arc<Certificate>>, Option<Arc<Validation>>);

/// A secret that somebody delivers.
#[derive(Debug, Clone)]
pub(super) struct Delivered {
    name: String,
    value: Watched<Secret>,
    patience: Duration,
}

#[derive(Debug)]
enum CertificateRef {
    Own(CertificateSource),
    Delivered(Delivered),
}

#[derive(Debug)]
enum ValidationRef {
    Own(ValidationSource),
    Delivered(Delivered),
    Combined(ValidationSource, Delivered),
}

/// Certificates and validation context of a `CommonTlsContext`.
#[derive(Debug, Default)]
pub(super) struct Material {
    certificates: Vec<CertificateRef>,
    validation: Option<ValidationRef>,
}

/// Everything loaded.
#[derive(Debug, Clone)]
pub(super) struct Snapshot {
    pub certificates: Vec<Arc<Certificate>>,
    pub validation: Option<Arc<Validation>>,
}

impl Delivered {
    /// Reads an `SdsSecretConfig`. Without a source it is a secret of the bootstrap.
    fn read(reader: &Reader<'_>, services: &Services) -> Option<Self> {
        let name = reader.need_text("name")?;
        let source = match reader.message("sds_config") {
            Some(source) => ConfigSource::read(&source)?,
            None => ConfigSource::STATIC,
        };
        let value = services.secrets.watch_from(&source, &name);
        Some(Self { name, value, patience: source.initial_fetch_timeout })
    }

    fn get(&self) -> Result<Arc<Secret>, String> {
        self.value.borrow().clone().ok_or_else(|| format!("the secret {} was not delivered yet", self.name))
    }

    fn wrong_kind(&self, wanted: &str) -> String {
        format!("the secret {} is not a {wanted}", self.name)
    }

    fn certificate(&self) -> Result<Arc<Certificate>, String> {
        match &self.get()?.content {
            Content::Certificate(source, _) if source.files().next().is_some() => source.load().map(Arc::new),
            Content::Certificate(_, loaded) => Ok(loaded.clone()),
            _ => Err(self.wrong_kind("certificate")),
        }
    }

    fn validation(&self) -> Result<ValidationSource, String> {
        match &self.get()?.content {
            Content::Validation(source, _) => Ok(source.clone()),
            _ => Err(self.wrong_kind("validation context")),
        }
    }

    fn files(&self) -> Vec<PathBuf> {
        let own = |path: &std::path::Path| path.to_path_buf();
        match self.get().as_deref().map(|secret| &secret.content) {
            Ok(Content::Certificate(source, _)) => source.files().map(own).collect(),
            Ok(Content::Validation(source, _)) => source.files().map(own).collect(),
            _ => Vec::new(),
        }
    }
}

impl Material {
    /// Reads certificates and validation context of an
    /// `envoy.extensions.transport_sockets.tls.v3.CommonTlsContext`. None: a defect was noted.
    pub fn read(reader: &Reader<'_>, build: &Build) -> Option<Self> {
        let mut certificates = Vec::new();
        for own in reader.list("tls_certificates") {
            certificates.push(CertificateSource::read(&own).map(CertificateRef::Own));
        }
        for delivered in reader.list("tls_certificate_sds_secret_configs") {
            certificates.push(Delivered::read(&delivered, &build.services).map(CertificateRef::Delivered));
        }
        let validation = match reader.choice("validation_context_type").as_deref() {
            None => None,
            Some("validation_context") => {
                Some(ValidationRef::Own(ValidationSource::read(&reader.message("validation_context")?)?))
            }
            Some("validation_context_sds_secret_config") => {
                let delivered = reader.message("validation_context_sds_secret_config")?;
                Some(ValidationRef::Delivered(Delivered::read(&delivered, &build.services)?))
            }
            Some("combined_validation_context") => {
                let combined = reader.message("combined_validation_context")?;
                let own = combined.message("default_validation_context").map(|own| ValidationSource::read(&own));
                let delivered = combined.need("validation_context_sds_secret_config")?;
                let delivered = Delivered::read(&delivered, &build.services)?;
                Some(ValidationRef::Combined(own.unwrap_or_else(|| Some(ValidationSource::default()))?, delivered))
            }
            Some(other) => {
                reader.defect(other, "the proxy does not have certificate providers");
                return None;
            }
        };
        let material = Self { certificates: certificates.into_iter().collect::<Option<_>>()?, validation };
        // What does not depend on others must be right from the beginning.
        let own = material.certificates.iter().enumerate().find_map(|(index, certificate)| match certificate {
            CertificateRef::Own(source) => {
                source.load().err().map(|error| (format!("tls_certificates[{index}]"), error))
            }
            CertificateRef::Delivered(_) => None,
        });
        let own = own.or_else(|| match &material.validation {
            Some(ValidationRef::Own(source)) => source.load().err().map(|error| ("validation_context".into(), error)),
            _ => None,
        });
        if let Some((field, error)) = own {
            reader.defect(&field, error);
            return None;
        }
        Some(material)
    }

    /// Whether there is a certificate to show.
    pub fn has_certificates(&self) -> bool {
        !self.certificates.is_empty()
    }

    /// How many certificates there are to show.
    pub fn count(&self) -> usize {
        self.certificates.len()
    }

    /// Whether peers are checked at all.
    pub fn has_validation(&self) -> bool {
        self.validation.is_some()
    }

    /// Everything loaded, or what is missing or wrong.
    pub fn snapshot(&self) -> Result<Snapshot, String> {
        let certificates: Result<Vec<_>, String> = self
            .certificates
            .iter()
            .map(|certificate| match certificate {
                CertificateRef::Own(source) => source.load().map(Arc::new),
                CertificateRef::Delivered(delivered) => delivered.certificate(),
            })
            .collect();
        let validation = match &self.validation {
            None => None,
            Some(ValidationRef::Own(source)) => Some(source.load()?),
            Some(ValidationRef::Delivered(delivered)) => Some(delivered.validation()?.load()?),
            Some(ValidationRef::Combined(own, delivered)) => Some(own.merged(&delivered.validation()?).load()?),
        };
        Ok(Snapshot { certificates: certificates?, validation: validation.map(Arc::new) })
    }

    fn delivered(&self) -> impl Iterator<Item = &Delivered> {
        let certificates = self.certificates.iter().filter_map(|certificate| match certificate {
            CertificateRef::Own(_) => None,
            CertificateRef::Delivered(delivered) => Some(delivered),
        });
        let validation = match &self.validation {
            Some(ValidationRef::Delivered(delivered) | ValidationRef::Combined(_, delivered)) => Some(delivered),
            _ => None,
        };
        certificates.chain(validation)
    }

    /// Longest time to wait for the first delivery; none is for ever.
    fn patience(&self) -> Option<Duration> {
        let all: Vec<Duration> = self.delivered().map(|delivered| delivered.patience).collect();
        if all.iter().any(Duration::is_zero) { None } else { Some(all.into_iter().max().unwrap_or_default()) }
    }

    /// Files that may change, with when they changed last and their size.
    fn files(&self) -> Vec<(PathBuf, Option<(SystemTime, u64)>)> {
        let own = self.certificates.iter().filter_map(|certificate| match certificate {
            CertificateRef::Own(source) => Some(source.files().map(std::path::Path::to_path_buf).collect::<Vec<_>>()),
            CertificateRef::Delivered(_) => None,
        });
        let validation = match &self.validation {
            Some(ValidationRef::Own(source) | ValidationRef::Combined(source, _)) => {
                source.files().map(std::path::Path::to_path_buf).collect()
            }
            _ => Vec::new(),
        };
        let delivered = self.delivered().flat_map(Delivered::files);
        let paths = own.flatten().chain(validation).chain(delivered);
        paths
            .map(|path| {
                let state = std::fs::metadata(&path).ok();
                let state = state.and_then(|state| Some((state.modified().ok()?, state.len())));
                (path, state)
            })
            .collect()
    }

    /// Waits until something may have changed. False: nothing will ever.
    async fn changed(&self, watches: &mut [Watched<Secret>]) -> bool {
        let files = self.files();
        let polled = async {
            if files.is_empty() {
                std::future::pending::<()>().await;
            }
            loop {
                tokio::time::sleep(POLL).await;
                if self.files() != files {
                    return;
                }
            }
        };
        if watches.is_empty() {
            if files.is_empty() {
                return false;
            }
            polled.await;
            return true;
        }
        let mut gone = false;
        let delivered = select_all(watches.iter_mut().map(|watch| watch.changed().boxed())).map(|(done, _, _)| {
            gone = done.is_err();
        });
        tokio::select! {
            () = delivered => {}
            () = polled => {}
        }
        !gone
    }
}

/// Something built from material and built again when it changes.
#[derive(Debug)]
pub(super) struct Live<S> {
    state: Arc<ArcSwap<Result<Arc<S>, String>>>,
    built: watch::Receiver<bool>,
    patience: Option<Duration>,
}

impl<S: Send + Sync + 'static> Live<S> {
    /// Builds now, and again on every change as long as this lives. What was built last stays when building fails.
    pub fn start(
        material: Material,
        services: &Services,
        build: impl Fn(Snapshot) -> Result<S, String> + Send + Sync + 'static,
    ) -> Self {
        let make = move |material: &Material| material.snapshot().and_then(&build).map(Arc::new);
        let first = make(&material);
        let (built, receiver) = watch::channel(first.is_ok());
        let state = Arc::new(ArcSwap::from_pointee(first));
        let patience = material.patience();
        let weak = Arc::downgrade(&state);
        let mut watches: Vec<Watched<Secret>> = material.delivered().map(|delivered| delivered.value.clone()).collect();
        if !watches.is_empty() || !material.files().is_empty() {
            services.main.spawn(async move {
                while tokio::select! {
                    changed = material.changed(&mut watches) => changed,
                    () = built.closed() => false,
                } {
                    let Some(state) = weak.upgrade() else { return };
                    match make(&material) {
                        Ok(next) => {
                            state.store(Arc::new(Ok(next)));
                            built.send_replace(true);
                        }
                        Err(error) if state.load().is_ok() => {
                            tracing::warn!("TLS keeps what it has: {error}");
                        }
                        Err(error) => state.store(Arc::new(Err(error))),
                    }
                }
            });
        }
        Self { state, built: receiver, patience }
    }

    /// What was built last, or why nothing was.
    pub fn get(&self) -> Result<Arc<S>, String> {
        Result::clone(&self.state.load())
    }

    /// Waits until something was built, or the time to wait for deliveries is over.
    pub async fn ready(&self) {
        let mut built = self.built.clone();
        let wait = async {
            if built.wait_for(|built| *built).await.is_err() {
                // Nothing will change any more.
            }
        };
        match self.patience {
            Some(patience) => {
                let _ = tokio::time::timeout(patience, wait).await;
            }
            None => wait.await,
        }
    }
}
