// Stories of user ids that a URL can't hold as they are, and of ids beyond ASCII.
import * as bodies from './bodies.mjs'
import { became } from './service.mjs'

const USERS = [
  'a/b?c#d%20',
  '/x',
  'x/',
  'a//b',
  'a/../b',
  '%2F',
  '100%',
  'a b+c',
  'a&b=c;d',
  `"it's"`,
  'C:\\temp',
  'seller@example.com',
  'Zoë',
  'Zoe\u0308',
  '株式会社',
  'أحمد',
  'naïve\u00a0user',
  '👩🏽‍🚀',
  '🇺🇳 and \u{1d4b3}',
  'n'.repeat(255),
  '💶'.repeat(255),
]

// Each user has a claim named after them; all are answered as themselves and as nobody else.
export async function userIdsOfEveryKind(service) {
  const faults = []
  for (const [number, user] of USERS.entries()) {
    const claim = number % 2 ? user : `claim of ${number}`
    await service.post(bodies.syncComplete(user))
    await service.post(bodies.detectionComplete(user, [{ claim_id: claim, amount: number }]))
    await service.post(bodies.payoutReceived(user, claim, number + 0.5))
  }
  for (const [number, user] of USERS.entries()) {
    const claim = number % 2 ? user : `claim of ${number}`
    const status = await service.status(user, { claim_id: claim })
    const told = {
      user: status.user_id,
      claims: status.claims.map((one) => one.claim_id),
      recovered: status.recovered.USD,
      rows: (await service.history(user, { claim_id: claim })).length,
    }
    const expected = { user, claims: [claim], recovered: `${number}.50`, rows: 3 }
    if (JSON.stringify(told) !== JSON.stringify(expected)) faults.push([told, expected])
  }
  return { users: USERS.length, faults }
}

export async function dotsAsSpelled(service) {
  const told = []
  for (const user of ['.', '..', '../..', '../status/..']) {
    await service.post(bodies.syncComplete(user))
    const path = encodeURIComponent(user)
    for (const spelled of [path, path.replaceAll('.', '%2E')]) {
      const { code, answer } = await service.getAsSpelled(`status/${spelled}`)
      told.push([spelled, code, answer.user_id])
    }
  }
  return told
}

// JavaScript's strings may end in half a character, which is no text: refused, and never repaired.
export async function halfACharacter(service) {
  const half = '👩'.slice(0, 1)
  const told = []
  for (const webhook of [
    bodies.syncComplete(half),
    bodies.claimSubmitted('half-a-character', `claim ${half}`),
    bodies.claimRejected('half-a-character', 'claim-1', half),
    bodies.claimSubmitted(' blank before', 'claim-1'),
    bodies.claimSubmitted('a\nline', 'claim-1'),
    bodies.claimSubmitted('n'.repeat(256), 'claim-1'),
    bodies.claimSubmitted('', 'claim-1'),
    bodies.claimSubmitted(7, 'claim-1'),
  ]) {
    const { code, answer } = await service.post(webhook)
    told.push([became({ code, answer }), answer.errors.map((error) => error.field)])
  }
  return { told, known: (await service.get('status', 'half-a-character')).code }
}

export async function aUserNobodyKnows(service) {
  const told = []
  for (const route of ['status', 'history']) {
    const { code, answer } = await service.get(route, 'nobody/knows?me')
    told.push([code, answer.status, answer.user_id])
  }
  return told
}
