// Stories of one claim: how the integrations service spells its bodies, and what comes of them.
import * as bodies from './bodies.mjs'
import { became, short } from './service.mjs'

// Posts one by one; gives what became of each.
async function inTurn(service, webhooks) {
  const told = []
  for (const webhook of webhooks) told.push(became(await service.post(webhook)))
  return told
}

const lifeOf = (user, claim) => [
  bodies.syncComplete(user),
  bodies.detectionComplete(user, [{ claim_id: claim, amount: 19.99, confidence: 0.9 }]),
  bodies.matchingComplete(user, [{ claim_id: claim, confidence: 0.7 }]),
  bodies.claimSubmitted(user, claim, 'case-1'),
  bodies.claimRejected(user, claim, 'Evidence unreadable'),
  bodies.payoutReceived(user, claim, 19.99),
]

export async function bothNamesAndNulls(service) {
  const sync = { sync_id: 'sync-1' }
  const life = lifeOf('both-names', 'claim-1')
  life[0] = bodies.syncComplete('both-names', sync)
  life[1] = bodies.detectionComplete('both-names', [{ claim_id: 'claim-1', amount: 19.99, confidence: 0.9 }], sync)
  return {
    became: await inTurn(service, life),
    status: await service.status('both-names'),
    history: (await service.history('both-names')).map((row) => `${row.from} > ${row.trigger} > ${row.to}`),
  }
}

export async function namesThatDiffer(service) {
  const user_id = 'names-that-differ'
  const answers = []
  for (const [route, body] of [
    ['detection/complete', { sync_id: 'a', detection_job_id: 'b' }],
    ['detection/complete', { claims: [{ claim_id: 'c' }], claims_found: [{ claim_id: 'd' }] }],
    ['evidence-matching/complete', { matches: [{ claim_id: 'c' }], matching_results: [] }],
    ['claim/submitted', { amazon_case_id: '1', case_id: '2' }],
    ['claim/rejected', { rejection_reason: 'late', reason: 'early', case_id: 'x', amazon_case_id: 'y' }],
    ['payout/received', { amount: 1, amazon_case_id: '1', case_id: '2' }],
  ]) {
    const told = await service.post({ route, body: { user_id, ...body } })
    answers.push([became(told), told.type, told.answer.errors.map((error) => error.field)])
  }
  return { answers, known: (await service.get('status', user_id)).code }
}

export async function aNullWhereAValueIsRequired(service) {
  const answers = []
  for (const webhook of [
    ...lifeOf(null, 'claim-1'),
    bodies.payoutReceived('null-amount', 'claim-1', null),
    bodies.detectionComplete('null-claim', [{ claim_id: null }]),
  ]) {
    const told = await service.post(webhook)
    answers.push([became(told), told.answer.errors.map((error) => `${error.field} ${error.reason}`)])
  }
  return answers
}

// Neither event ids nor a sync's, a case's or a reimbursement's: only claims are named.
export async function noIds(service) {
  const became = await inTurn(service, lifeOf('no-ids', 'claim-1'))
  return { became, status: short(await service.status('no-ids')) }
}

// Not even claims are named: detection tells a count, the rest only whose they are.
export async function nothingButTheUser(service) {
  const user_id = 'only-the-user'
  const webhooks = ['sync/complete', 'detection/complete', 'evidence-matching/complete', 'claim/submitted', 'claim/rejected']
    .map((route) => ({ route, body: { user_id } }))
  webhooks[1].body.claims_found = 2
  const became = await inTurn(service, [...webhooks, { route: 'payout/received', body: { user_id, amount: 7.5 } }])
  return { became, status: short(await service.status(user_id)) }
}

// The service names its own runs where a sync is meant: no sync ever had such an id. It is no name for money, which
// waits, although there is but one claim, until a person tells whose it is.
export async function syncIdsThatNoSyncHad(service) {
  const user = 'foreign-syncs'
  const run = (number) => ({ sync_id: `run-${number}` })
  const told = await inTurn(service, [
    bodies.syncComplete(user),
    bodies.detectionComplete(user, [{ claim_id: 'claim-1', amount: 10 }]),
    bodies.matchingComplete(user, [{ claim_id: 'claim-1', confidence: 0.9 }], run(1)),
    bodies.claimSubmitted(user, null, null, run(2)),
    bodies.claimRejected(user, null, 'Too early', run(3)),
    bodies.payoutReceived(user, null, 10, run(4)),
  ])
  const status = await service.status(user)
  const byHand = await service.tellByHand(user, { claim_id: 'claim-1' })
  return {
    became: told,
    status: short(status),
    deferred: status.deferred.map(({ trigger, claim_id, amount, waiting_for, candidates }) => ({
      trigger,
      claim_id,
      amount,
      waiting_for,
      candidates: candidates.map((candidate) => [candidate.claim_id, candidate.state]),
    })),
    toldByHand: became(byHand),
    then: short(await service.status(user)),
  }
}

// A detection is for its sync, so one for a sync that nobody knows waits for it.
export async function detectionBeforeItsSync(service) {
  const user = 'sync-to-come'
  const early = await service.post(bodies.detectionComplete(user, [{ claim_id: 'claim-1' }], { sync_id: 'sync-9' }))
  const meanwhile = await service.status(user)
  await service.post(bodies.syncComplete(user, { sync_id: 'sync-8' }))
  const still = await service.status(user)
  await service.post(bodies.syncComplete(user, { sync_id: 'sync-9' }))
  const then = await service.status(user)
  return {
    early: [became(early), early.answer.waiting_for],
    meanwhile: [meanwhile.state, meanwhile.claims, meanwhile.deferred.length],
    still: [still.state, still.deferred.length],
    then: [then.state, then.claims.map((claim) => [claim.claim_id, claim.sync_id, claim.state]), then.deferred],
  }
}

export async function everyBodyThreeTimes(service) {
  const thrice = lifeOf('three-times', 'claim-1').flatMap((webhook) => [webhook, webhook, webhook])
  const became = await inTurn(service, thrice)
  return {
    became,
    status: short(await service.status('three-times')),
    rows: (await service.history('three-times')).length,
  }
}

// A sender that gives up before the answer can't know; it sends the same body again until it is answered.
export async function sendersThatGiveUp(service) {
  const user = 'impatient'
  for (const webhook of lifeOf(user, 'claim-1').slice(0, 2)) await service.post(webhook)
  const payouts = Array.from({ length: 24 }, (_, n) => bodies.payoutReceived(user, 'claim-1', 0.1 + 0.2, { event_id: `p-${n}` }))
  let gaveUp = 0
  for (const [n, payout] of payouts.entries()) {
    try {
      const waiting = new AbortController()
      const giveUp = () => waiting.abort()
      n % 6 ? setTimeout(giveUp, n % 6) : setImmediate(giveUp)
      await service.post(payout, { signal: waiting.signal })
    } catch (error) {
      if (error.name !== 'AbortError') throw error
      gaveUp += 1
      await service.post(payout)
    }
  }
  return { gaveUpAtAll: gaveUp > 0, status: short(await service.status(user)) }
}
