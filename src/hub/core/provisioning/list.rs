//! Pages of enrolments and registrations (protocol reference 13.3).

use std::time::{Duration, Instant};

use super::super::Core;
use crate::{
    hub::{
        dps::{Breed, Continuation, Enrollment, Registration, condition},
        failure::Failure,
        ports::Links,
        store::{Document, Kind, Store},
    },
    iothub::RegistrationId,
};

/// Documents that are read at a time.
const CHUNK: usize = 256;
/// How long a page may take; what there is after that is a page, even if it is empty.
const PATIENCE: Duration = Duration::from_secs(5);

/// A page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listing {
    /// A JSON array.
    pub(crate) body: String,
    /// Where the next page begins; nothing on the last one.
    pub(crate) continuation: Option<String>,
}

/// A page while it is being made.
struct Rows {
    body: String,
    left: u64,
    /// What was looked at last.
    after: Option<String>,
}

impl<S: Store, L: Links> Core<S, L> {
    /// Enrolments, without keys, that a query selects.
    pub(crate) async fn enrollments(
        &self,
        breed: Breed,
        query: &str,
        size: u64,
        token: Option<&str>,
    ) -> Result<Listing, Failure> {
        let condition = condition(query, breed.source())?;
        let show = |document: &Document| {
            let shown = Enrollment::read(&document.body)?.shown();
            let Some(condition) = &condition else { return Ok(Some(shown.text())) };
            let matches = serde_json::to_value(&shown).is_ok_and(|shown| condition.matches(&shown));
            Ok(matches.then(|| shown.text()))
        };
        self.page(breed.kind(), breed.source(), size, token, show).await
    }

    /// What came of the registrations of a group.
    pub(crate) async fn registrations(
        &self,
        group: &RegistrationId,
        size: u64,
        token: Option<&str>,
    ) -> Result<Listing, Failure> {
        let group = group.key();
        let show = |document: &Document| {
            let registration = Registration::read(&document.body)?;
            let ours = registration.group.as_ref() == Some(&group);
            Ok(ours.then(|| serde_json::to_string(&registration.state).unwrap_or_default()))
        };
        self.page(Kind::Registration, &format!("registrations/{group}"), size, token, show).await
    }

    async fn page(
        &self,
        kind: Kind,
        source: &str,
        size: u64,
        token: Option<&str>,
        show: impl Fn(&Document) -> Result<Option<String>, Failure> + Send + Sync,
    ) -> Result<Listing, Failure> {
        let after = token.map(|token| Continuation::parse(token, source)).transpose()?.map(|place| place.0);
        let mut rows = Rows { body: "[".to_owned(), left: size, after };
        let end = Instant::now() + PATIENCE;
        loop {
            let documents = self.store.documents(kind, "", rows.after.as_deref(), CHUNK).await?;
            let full = rows.take(&documents, &show)?;
            if !full && documents.len() < CHUNK {
                return Ok(rows.finish(source, false));
            }
            if full || Instant::now() > end {
                return Ok(rows.finish(source, true));
            }
        }
    }
}

impl Rows {
    /// Takes rows until there is one too many; says whether there was.
    fn take(
        &mut self,
        documents: &[Document],
        show: impl Fn(&Document) -> Result<Option<String>, Failure>,
    ) -> Result<bool, Failure> {
        for document in documents {
            if let Some(row) = show(document)? {
                if self.left == 0 {
                    return Ok(true);
                }
                self.left -= 1;
                if self.body.len() > 1 {
                    self.body.push(',');
                }
                self.body.push_str(&row);
            }
            self.after = Some(document.id.to_string());
        }
        Ok(false)
    }

    fn finish(mut self, source: &str, more: bool) -> Listing {
        self.body.push(']');
        let next = self.after.filter(|_| more).map(Continuation);
        Listing { body: self.body, continuation: next.map(|place| place.token(source)) }
    }
}
