//! Codes about the comments and annotations that silence findings.

use crate::declare_code;

declare_code! {
    /// A comment or annotation that should silence a finding, but is written wrong
    ///
    /// ## Why
    ///
    /// A code that does not exist silences nothing, so the finding that somebody wanted to accept stays, or worse: nobody
    /// notices that it was never there. Without a reason the next reader cannot tell whether it still holds.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Service
    /// metadata:
    ///   name: web
    /// spec:
    ///   # meshctl:ignore IST9E99
    ///   selector:
    ///     app: web
    ///   ports:
    ///   - port: 80
    ///     name: http
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Service
    /// metadata:
    ///   name: web
    /// spec:
    ///   selector:
    ///     app: web
    ///   ports:
    ///   - port: 80
    ///     name: http
    ///   # meshctl:ignore K8S0101 an operator reads this field and removes it
    ///   tuning: fast
    /// ```
    ///
    /// ## Fix
    ///
    /// Write `# meshctl:ignore CODE reason`, with several codes separated by commas. `meshctl explain` lists the codes.
    pub BAD_IGNORE = "K8S0901", "BadIgnoreComment", Warning
}

declare_code! {
    /// A comment that silences a finding which is not there
    ///
    /// ## Why
    ///
    /// What it excused has been mended, or the comment stands at the wrong line. Left in place it will hide the same
    /// mistake when somebody makes it again.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Service
    /// metadata:
    ///   name: web
    /// spec:
    ///   # meshctl:ignore K8S0101 an operator reads this field
    ///   selector:
    ///     app: web
    ///   ports:
    ///   - port: 80
    ///     name: http
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Service
    /// metadata:
    ///   name: web
    /// spec:
    ///   selector:
    ///     app: web
    ///   ports:
    ///   - port: 80
    ///     name: http
    /// ```
    ///
    /// ## Fix
    ///
    /// Delete the comment, or move it to the line of the finding (or the line above). Before the first key of a document
    /// it counts for the whole document.
    pub UNUSED_IGNORE = "K8S0902", "UnusedIgnoreComment", Info
}
