//! A cluster's API, with a way to log in again: tokens of EKS end after 15 minutes, those of the others within hours.

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use pullaudit_wire::Renewals;
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// Logs in again.
type Login<'a> = Box<dyn Fn() -> LocalBoxFuture<'a, Result<Client<'static>, String>> + 'a>;

/// A client of a cluster's API.
pub struct Client<'a> {
    current: Mutex<(kube::Client, u64)>,
    login: Option<Login<'a>>,
    /// One login at a time.
    turn: tokio::sync::Mutex<()>,
    renewals: Renewals,
}

impl fmt::Debug for Client<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Client")
    }
}

impl From<kube::Client> for Client<'_> {
    /// A client whose credentials are never replaced.
    fn from(client: kube::Client) -> Self {
        Self {
            current: Mutex::new((client, 0)),
            login: None,
            turn: tokio::sync::Mutex::default(),
            renewals: Renewals::default(),
        }
    }
}

impl Client<'_> {
    /// The same, which logs in by `login` where the server no longer accepts its credentials.
    pub fn with_login<'a>(
        self,
        login: impl Fn() -> LocalBoxFuture<'a, Result<Client<'static>, String>> + 'a,
    ) -> Client<'a> {
        Client { login: Some(Box::new(login)), current: self.current, turn: self.turn, renewals: self.renewals }
    }

    /// The client of the library that is in force.
    pub fn kube(&self) -> kube::Client {
        self.current().0
    }

    async fn log_in_again(&self, number: u64) -> bool {
        let Some(login) = &self.login else { return false };
        let _turn = self.turn.lock().await;
        if self.current().1 != number {
            return true;
        }
        if !self.renewals.begin() {
            return false;
        }
        match login().await {
            Ok(client) => {
                let (client, _) = client.current();
                *self.current.lock().unwrap_or_else(PoisonError::into_inner) = (client, number + 1);
                true
            }
            Err(why) => {
                tracing::debug!(why, "no new login to the cluster's API");
                false
            }
        }
    }
}

/// What requests are sent by.
pub(super) trait LoggedIn {
    /// The client in force, and which one it is.
    fn current(&self) -> (kube::Client, u64);

    /// Replaces the client of that number, where nobody did so meanwhile. False where there is no other.
    fn renew(&self, number: u64) -> LocalBoxFuture<'_, bool>;
}

impl LoggedIn for Client<'_> {
    fn current(&self) -> (kube::Client, u64) {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn renew(&self, number: u64) -> LocalBoxFuture<'_, bool> {
        self.log_in_again(number).boxed_local()
    }
}
