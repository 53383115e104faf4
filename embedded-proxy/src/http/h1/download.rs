//! The body of an upstream response. It holds the connection, and brings it home at its end.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use parking_lot::Mutex;
use tokio::task::AbortHandle;

use super::client::{Client, Home};
use super::decode::Decoder;
use super::upload::Upload;
use crate::http::{BodyStream, Frame, StreamError};

/// The rest of a request that is still being sent while its response arrives: it has a task of its own, so that a client
/// that does not read the response does not hold back the request.
struct Sending {
    client: Option<Client>,
    upload: Upload,
}

enum Hold {
    /// The request is sent: only the response is left.
    Alone(Client),
    Shared(Arc<Mutex<Sending>>, AbortHandle),
    Gone,
}

/// See the module.
pub(super) struct Download {
    hold: Hold,
    decoder: Decoder,
    keep: bool,
    home: Arc<dyn Home>,
}

impl Download {
    pub fn new(client: Client, decoder: Decoder, upload: Option<Upload>, keep: bool, home: Arc<dyn Home>) -> Self {
        let hold = match upload {
            None => Hold::Alone(client),
            Some(upload) => share(client, upload),
        };
        Self { hold, decoder, keep, home }
    }

    fn finish(&mut self) {
        match std::mem::replace(&mut self.hold, Hold::Gone) {
            Hold::Alone(client) => client.finish(self.keep, &*self.home),
            Hold::Shared(sending, task) => {
                task.abort();
                let mut sending = sending.lock();
                let keep = self.keep && sending.upload.is_done() && sending.upload.fits();
                if let Some(client) = sending.client.take() {
                    client.finish(keep, &*self.home);
                }
            }
            Hold::Gone => {}
        }
    }
}

fn share(client: Client, upload: Upload) -> Hold {
    let sending = Arc::new(Mutex::new(Sending { client: Some(client), upload }));
    let shared = sending.clone();
    let task = tokio::spawn(poll_fn(move |cx| {
        let Sending { client, upload } = &mut *shared.lock();
        match client {
            // An error shows on the reading side too.
            Some(client) => client.poll_upload(upload, cx).map(|_| ()),
            None => Poll::Ready(()),
        }
    }));
    Hold::Shared(sending, task.abort_handle())
}

impl BodyStream for Download {
    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame, StreamError>>> {
        let this = self.get_mut();
        let frame = match &mut this.hold {
            Hold::Alone(client) => ready!(client.poll_download(&mut this.decoder, cx)),
            Hold::Shared(sending, _) => match &mut sending.lock().client {
                Some(client) => ready!(client.poll_download(&mut this.decoder, cx)),
                None => None,
            },
            Hold::Gone => None,
        };
        match &frame {
            Some(Ok(_)) if !this.decoder.is_done() => {}
            // The connection goes home with the last frame: nobody may ask for the end behind it.
            Some(Ok(_)) | None => this.finish(),
            Some(Err(_)) => this.hold = Hold::Gone,
        }
        Poll::Ready(frame)
    }

    fn size(&self) -> Option<u64> {
        self.decoder.size()
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        if let Hold::Shared(_, task) = &self.hold {
            task.abort();
        }
    }
}
