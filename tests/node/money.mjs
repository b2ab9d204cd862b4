// Stories of money that comes out of JavaScript's arithmetic, which is binary.
import * as bodies from './bodies.mjs'
import { became, cents, short } from './service.mjs'

const SUMS = {
  '0.1 + 0.2': 0.1 + 0.2,
  '19.99 * 100 / 100': (19.99 * 100) / 100,
  '1234.5600000000001': 1234.5600000000001,
  '33.33 + 66.67': 33.33 + 66.67,
  '1.1 * 3': 1.1 * 3,
  '4.35 * 100 / 100': (4.35 * 100) / 100,
  '0.7 + 0.1': 0.7 + 0.1,
  '1.15 + 2.30': 1.15 + 2.3,
  '0.01': 0.01,
  '5e-2': 5e-2,
  '1e3': 1e3,
  '999999999.99 + 0.01': 999999999.99 + 0.01,
  '99999999999.99': 99999999999.99,
}

// Each sum is paid on a claim of its own; then each claim is asked what was paid on it.
export async function sumsOfFloats(service) {
  const user = 'floats'
  const claims = Object.entries(SUMS).map(([claim_id, amount]) => ({ claim_id, amount }))
  await service.post(bodies.syncComplete(user))
  await service.post(bodies.detectionComplete(user, claims))
  for (const { claim_id, amount } of claims) await service.post(bodies.payoutReceived(user, claim_id, amount))
  const status = await service.status(user)
  return {
    noisy: Object.keys(SUMS).filter((sum) => JSON.stringify(SUMS[sum]).length > 16),
    claims: status.claims.map((claim) => [claim.claim_id, claim.amount, claim.paid]),
    recovered: status.recovered,
    addsUp: status.claims.reduce((sum, claim) => sum + cents(claim.paid.USD), 0n) === cents(status.recovered.USD),
    unapplied: status.unapplied,
    waiting: status.deferred.length,
  }
}

// A hundred instalments whose float sum is 9.999999999999983: the service adds up cents.
export async function manyInstalments(service) {
  const user = 'instalments'
  await service.post(bodies.syncComplete(user))
  await service.post(bodies.detectionComplete(user, [{ claim_id: 'claim-1' }]))
  const instalments = Array.from({ length: 100 }, (_, n) => n)
  await Promise.all(
    instalments.map((n) => service.post(bodies.payoutReceived(user, 'claim-1', 0.1, { reimbursement_id: `r-${n}` }))),
  )
  await service.post(bodies.payoutReversed(user, 'claim-1', 0.1 + 0.2, { original_reimbursement_id: 'r-7' }))
  return {
    float: instalments.reduce((sum) => sum + 0.1, 0),
    recovered: (await service.status(user)).recovered,
  }
}

// One amount spelled as a number, with noise and as a string is one content; another amount of the same reimbursement
// conflicts with it, and waits even when the claim is there.
export async function spellingsOfOneAmount(service) {
  const user = 'spellings'
  const answers = {}
  const told = []
  for (const amount of [0.3, '0.3', '0.30', '3e-1', 0.1 + 0.2, 0.31]) {
    const payout = bodies.payoutReceived(user, 'claim-1', amount, { reimbursement_id: 'r-1', currency: 'usd' })
    told.push(await service.post(payout))
    answers[JSON.stringify(amount)] = became(told.at(-1))
  }
  const [first, conflicting] = [told[0].answer, told.at(-1).answer]
  const { unapplied } = await service.status(user)
  await service.post(bodies.syncComplete(user))
  await service.post(bodies.detectionComplete(user, [{ claim_id: 'claim-1' }]))
  const status = await service.status(user)
  const byHand = await service.tellByHand(user, { line_id: 'line-2' })
  return {
    answers,
    ids: new Set(told.map(({ answer }) => answer.event_id)).size,
    conflict: {
      withTheFirst: conflicting.conflicts_with === first.event_id,
      waiting_for: conflicting.waiting_for,
      code: told.at(-1).code,
    },
    unapplied,
    detected: {
      ...short(status),
      waiting: status.deferred.map(({ event_id, amount, conflicts_with }) => [
        amount,
        event_id === conflicting.event_id,
        conflicts_with === first.event_id,
      ]),
    },
    lineOfItsOwn: { became: became(byHand), ...short(await service.status(user)) },
  }
}

export async function amountsThatNoPayoutCanBe(service) {
  const amounts = [0.125, 12.501, 0, -0, -5, 1e15, 1e21, 5e-324, '0.30000000000000004', '', '1,5', ' 1', true, [1], { value: 1 }]
  const answers = []
  for (const amount of amounts) {
    const told = await service.post(bodies.payoutReceived('no-money', 'claim-1', amount, { currency: 'USD' }))
    answers.push([JSON.stringify(amount), became(told), told.answer.errors?.map((error) => error.field)])
  }
  return { answers, known: (await service.get('status', 'no-money')).code }
}

export async function currenciesWithOtherDecimals(service) {
  const user = 'currencies'
  const answers = {}
  for (const [currency, amount] of [['JPY', 1500], ['jpy', 1500.5], ['KWD', 1.1 + 2.2], ['EUR', 1.1 + 2.2], ['XAU', 1]]) {
    answers[`${amount} ${currency}`] = became(await service.post(bodies.payoutReceived(user, 'claim-1', amount, { currency })))
  }
  return { answers, unapplied: (await service.status(user)).unapplied }
}
