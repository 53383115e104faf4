//! Codes: what a finding is called, how bad it is, and everything a user reads about it.

/// How bad a finding is; Istio's three levels. The order is by weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Worth knowing.
    Info,
    /// Probably not what was meant.
    Warning,
    /// Rejected, or traffic or security breaks.
    Error,
}

impl Level {
    /// Istio's spelling: `Info`, `Warning`, `Error`.
    pub fn name(self) -> &'static str {
        match self {
            Level::Info => "Info",
            Level::Warning => "Warning",
            Level::Error => "Error",
        }
    }
}

impl std::str::FromStr for Level {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Level::Info, Level::Warning, Level::Error]
            .into_iter()
            .find(|level| level.name().eq_ignore_ascii_case(text))
            .ok_or_else(|| format!("{text:?} is no level: use Info, Warning or Error"))
    }
}

/// One code. Declared with [`declare_code!`](crate::declare_code) beside the analyzer that reports it.
#[derive(Debug)]
pub struct Code {
    /// `IST0101`.
    pub code: &'static str,
    /// `ReferencedResourceNotFound`.
    pub name: &'static str,
    /// The usual level; a finding may carry another one.
    pub level: Level,
    /// Markdown: a title line, then the sections `## Why`, `## Bad`, `## Good`, `## Fix`.
    pub doc: &'static str,
    /// The source file that declares it.
    pub file: &'static str,
}

impl PartialEq for Code {
    fn eq(&self, other: &Self) -> bool {
        self.code == other.code
    }
}

impl Code {
    /// The first line of the doc text: what is wrong, in a few words.
    pub fn title(&self) -> &'static str {
        self.doc.lines().next().unwrap_or_default().trim()
    }

    /// The page of this code in the repository.
    pub fn url(&self) -> String {
        let repository = env!("CARGO_PKG_REPOSITORY");
        format!("{repository}/blob/main/docs/findings/{}.md", self.code.to_ascii_lowercase())
    }
}

/// Declares a code; the doc comment is its page (`meshctl explain`, docs/findings).
#[macro_export]
macro_rules! declare_code {
    ($(#[doc = $doc:literal])+ $vis:vis $ident:ident = $code:literal, $name:literal, $level:ident) => {
        $(#[doc = $doc])+
        $vis static $ident: $crate::diagnostics::Code = $crate::diagnostics::Code {
            code: $code,
            name: $name,
            level: $crate::diagnostics::Level::$level,
            doc: concat!($($doc, "\n"),+),
            file: file!(),
        };
    };
}
