//! What one filter remembers of an exchange. A chain may hold a filter twice: each instance has its own.

use std::any::Any;

use crate::stream::Exchange;

/// Values of one type by the instance that keeps them.
struct Kept<T>(Vec<(usize, T)>);

/// An instance: its address.
fn id<F: ?Sized>(filter: &F) -> usize {
    std::ptr::from_ref(filter).cast::<()>().addr()
}

/// Keeps a value for `filter`; its earlier one is replaced.
pub(super) fn keep<F: ?Sized, T: Any + Send + Sync>(exchange: &mut Exchange, filter: &F, value: T) {
    if exchange.scratch.get::<Kept<T>>().is_none() {
        exchange.scratch.put(Kept::<T>(Vec::new()));
    }
    if let Some(kept) = exchange.scratch.get_mut::<Kept<T>>() {
        kept.0.retain(|(other, _)| *other != id(filter));
        kept.0.push((id(filter), value));
    }
}

/// What `filter` kept.
pub(super) fn kept<'e, F: ?Sized, T: Any>(exchange: &'e Exchange, filter: &F) -> Option<&'e T> {
    let kept = exchange.scratch.get::<Kept<T>>()?;
    kept.0.iter().find(|(other, _)| *other == id(filter)).map(|(_, value)| value)
}
