// The bodies of the integrations service: both names of a field at once, and a null for all that it doesn't know.

export const syncComplete = (userId, more = {}) => ({
  route: 'sync/complete',
  body: { user_id: userId, sync_id: null, orders_count: null, inventory_items: null, ...noId, ...more },
})

export const detectionComplete = (userId, claims, more = {}) => ({
  route: 'detection/complete',
  body: {
    user_id: userId,
    ...bothNames('sync_id', 'detection_job_id', more.sync_id ?? null),
    claims: claims.map((claim) => ({ ...emptyClaim, ...claim })),
    claims_found: claims.length,
    ...noId,
    ...more,
  },
})

export const matchingComplete = (userId, matches, more = {}) => {
  const full = matches?.map((match) => ({ ...emptyMatch, ...match })) ?? null
  return {
    route: 'evidence-matching/complete',
    body: {
      user_id: userId,
      sync_id: null,
      claim_id: null,
      confidence: null,
      ...bothNames('matches', 'matching_results', full),
      ...noId,
      ...more,
    },
  }
}

export const claimSubmitted = (userId, claimId, caseId = null, more = {}) => ({
  route: 'claim/submitted',
  body: {
    user_id: userId,
    claim_id: claimId,
    ...bothNames('amazon_case_id', 'case_id', caseId),
    sync_id: null,
    ...noId,
    ...more,
  },
})

export const claimRejected = (userId, claimId, reason = null, more = {}) => ({
  route: 'claim/rejected',
  body: {
    user_id: userId,
    claim_id: claimId,
    ...bothNames('rejection_reason', 'reason', reason),
    ...bothNames('amazon_case_id', 'case_id', null),
    sync_id: null,
    ...noId,
    ...more,
  },
})

export const payoutReceived = (userId, claimId, amount, more = {}) => ({
  route: 'payout/received',
  body: {
    user_id: userId,
    amount,
    claim_id: claimId,
    currency: null,
    ...bothNames('amazon_case_id', 'case_id', null),
    reimbursement_id: null,
    sync_id: null,
    ...noId,
    ...more,
  },
})

export const payoutReversed = (userId, claimId, amount, more = {}) => ({
  route: 'payout/reversed',
  body: { ...payoutReceived(userId, claimId, amount).body, original_reimbursement_id: null, ...more },
})

const noId = { event_id: null, occurred_at: null }

const emptyClaim = {
  aliases: null,
  claim_type: null,
  amount: null,
  currency: null,
  confidence: null,
  evidence: null,
  discovery_date: null,
  deadline_date: null,
  eligible_from: null,
}

const emptyMatch = { evidence_document_id: null, confidence: null, match_type: null, reasoning: null }

function bothNames(name, alias, value) {
  return { [name]: value, [alias]: value }
}
