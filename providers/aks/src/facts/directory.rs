//! What is read of a directory through Microsoft Graph.

use serde::{Deserialize, Serialize};

bodies! {
    /// An application or a managed identity as a directory knows it.
    ServicePrincipal {
        /// Its object id: what a grant names.
        id: String,
        /// What people call it.
        display_name: String,
        /// Its application id: never what a grant names.
        app_id: Option<String>,
        /// `Application`, `ManagedIdentity`, …; `None` for what is no service principal.
        service_principal_type: Option<String>,
        /// Whether it may sign in; `None` where the answer does not hold it.
        account_enabled: Option<bool>,
        /// Its own secrets; `None` where the answer does not hold them.
        password_credentials: Option<Vec<PasswordCredential>>,
    }
    /// The registration of an application, where secrets are made as a rule.
    Application {
        /// Its application id.
        app_id: String,
        /// Its secrets; `None` where the answer does not hold them.
        password_credentials: Option<Vec<PasswordCredential>>,
    }
    /// When a secret is valid. Its text is never in an answer.
    PasswordCredential {
        /// From when on; `None` for always.
        start_date_time: Option<String>,
        /// End of its validity; `None` where it has no end.
        end_date_time: Option<String>,
    }
}
