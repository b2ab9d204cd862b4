// Stories of days: the integrations service sends the same bodies every day, without ids.
import * as bodies from './bodies.mjs'
import { became } from './service.mjs'

const DAYS = [1, 2, 3]

async function dayByDay(service, user, bodiesOf) {
  const days = []
  for (const day of DAYS) {
    const answers = []
    for (const webhook of bodiesOf(day)) answers.push(became(await service.post(webhook)))
    const { state, counts, recovered, unapplied, deferred } = await service.status(user)
    days.push({ answers, state, counts, recovered, unapplied, waiting: deferred.length })
  }
  return days
}

// Each day's detection brings a new claim, and its payout names it; the bodies between are equal every day.
export async function aNewClaimEveryDay(service) {
  const user = 'every-day'
  return dayByDay(service, user, (day) => [
    bodies.syncComplete(user),
    bodies.detectionComplete(user, [{ claim_id: `claim-${day}`, amount: 12.5 }]),
    bodies.matchingComplete(user, null, { confidence: 0.9 }),
    bodies.claimSubmitted(user, null),
    bodies.payoutReceived(user, `claim-${day}`, 12.5),
  ])
}

// Each day's detection lists the claims of the days before, too.
export async function theListGrows(service) {
  const user = 'growing-list'
  return dayByDay(service, user, (day) => [
    bodies.syncComplete(user),
    bodies.detectionComplete(user, DAYS.slice(0, day).map((n) => ({ claim_id: `claim-${n}`, amount: 12.5 }))),
    bodies.matchingComplete(user, DAYS.slice(0, day).map((n) => ({ claim_id: `claim-${n}`, confidence: 0.9 }))),
    bodies.claimSubmitted(user, `claim-${day}`),
    bodies.payoutReceived(user, `claim-${day}`, 12.5),
  ])
}

// All bodies are equal save for the reimbursement's id: no claim is ever named, and each sync is one lifecycle.
export async function equalBodiesEveryDay(service) {
  const user = 'equal-bodies'
  return dayByDay(service, user, (day) => equalBodies(user, { reimbursement_id: `reimbursement-${day}` }))
}

// Without even that, an equal payout can't be told from a repeat, whoever could be paid by now; with an id it can.
export async function equalPayoutsEveryDay(service) {
  const user = 'equal-payouts'
  const payout = bodies.payoutReceived(user, null, 12.5)
  for (const webhook of equalBodies(user)) await service.post(webhook)
  for (const webhook of equalBodies(user).slice(0, -1)) await service.post(webhook)
  const withoutId = await service.post(payout)
  const meanwhile = await service.status(user)
  const withId = await service.post(payout, { headers: { 'Idempotency-Key': 'payout of the second day' } })
  const then = await service.status(user)
  return {
    withoutId: became(withoutId),
    hint: withoutId.answer.hint,
    meanwhile: [meanwhile.state, meanwhile.counts, meanwhile.recovered],
    withId: became(withId),
    then: [then.state, then.counts, then.recovered, then.unapplied, then.deferred],
  }
}

function equalBodies(user, payout) {
  return [
    bodies.syncComplete(user),
    { route: 'detection/complete', body: { user_id: user, claims_found: 1 } },
    { route: 'evidence-matching/complete', body: { user_id: user } },
    bodies.claimSubmitted(user, null),
    bodies.payoutReceived(user, null, 12.5, payout),
  ]
}
