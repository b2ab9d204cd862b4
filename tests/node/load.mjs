// Stories of many webhooks at once. Chance is seeded, so a run repeats as far as the network lets it.
import http from 'node:http'
import * as bodies from './bodies.mjs'
import { atATime, became, cents, read, seeded, short, shuffled } from './service.mjs'

const USERS = 24
const MEBIBYTES = 1024 * 1024

// A user's life with two claims: the first is paid and partly taken back, the second wholly.
function lifeOf(user, number) {
  const sync = { sync_id: 'sync-1' }
  const paid = (number + 3) * 0.1
  const [first, second] = ['claim-1', 'claim-2']
  return {
    left: BigInt((number + 3) * 10 - 10),
    webhooks: [
      bodies.syncComplete(user, sync),
      bodies.detectionComplete(user, [{ claim_id: first, amount: paid }, { claim_id: second, amount: 19.99 }], sync),
      bodies.matchingComplete(user, [{ claim_id: first, confidence: 0.9 }, { claim_id: second, confidence: 0.3 }], sync),
      ...[first, second].flatMap((claim) => [
        bodies.claimSubmitted(user, claim, `case of ${claim}`),
        bodies.claimRejected(user, claim, 'No'),
      ]),
      bodies.payoutReceived(user, first, paid),
      bodies.payoutReversed(user, first, 0.1),
      bodies.payoutReceived(user, second, 19.99),
      bodies.payoutReversed(user, second, 19.99),
    ],
  }
}

// An event's id may stand in the body or in either header.
function withId({ route, body }, number) {
  const id = `event ${number}`
  if (number % 3 === 0) return [{ route, body: { ...body, event_id: id } }, {}]
  return [{ route, body }, { headers: number % 3 === 1 ? { 'webhook-id': id } : { 'Idempotency-Key': `"${id}"` } }]
}

// What isn't as the story promises, so that a report that ends right is empty.
function faultsOf(user, left, status) {
  const faults = []
  if (cents(status.recovered.USD ?? '0.00') !== left) faults.push(`recovered ${status.recovered.USD}, not ${left} cents`)
  if (Object.keys(status.unapplied).length) faults.push(`unapplied ${JSON.stringify(status.unapplied)}`)
  if (status.deferred.length) faults.push(`${status.deferred.length} wait`)
  const states = Object.fromEntries(status.claims.map((claim) => [claim.claim_id, claim.state]))
  if (states['claim-1'] !== 'paid') faults.push(`claim-1 is ${states['claim-1']}`)
  if (!['submitted', 'rejected'].includes(states['claim-2'])) faults.push(`claim-2 is ${states['claim-2']}`)
  return faults.map((fault) => `${user}: ${fault}`)
}

// A rejection of a claim that is paid by then contradicts it: the only refusal that chance may bring.
const isExpected = ({ route, told }) => [200, 202].includes(told.code) || (told.code === 409 && route === 'claim/rejected')

async function tally(service, lives, sent) {
  const faults = sent.filter((one) => !isExpected(one)).map(({ route, told }) => `${route}: ${became(told)}`)
  let recovered = 0n
  for (const [user, { left }] of lives) {
    const status = await service.status(user)
    faults.push(...faultsOf(user, left, status))
    recovered += cents(status.recovered.USD ?? '0.00')
  }
  const expected = [...lives.values()].reduce((sum, { left }) => sum + left, 0n)
  return { users: lives.size, sent: sent.length, faults, cents: Number(recovered), expected: Number(expected) }
}

const livesOf = (name) =>
  new Map(Array.from({ length: USERS }, (_, number) => [`${name}-${number}`, lifeOf(`${name}-${number}`, number)]))

// Every webhook of every user twice, in any order, eight under way at a time.
export async function anyOrderTwiceEightAtATime(service) {
  const lives = livesOf('eight-at-a-time')
  const webhooks = [...lives.values()].flatMap(({ webhooks }) => webhooks.map((webhook, n) => withId(webhook, n)))
  const tasks = shuffled([...webhooks, ...webhooks], seeded(8)).map(([webhook, how]) => async () => ({
    route: webhook.route,
    told: await service.post(webhook, how),
  }))
  return tally(service, lives, await atATime(8, tasks))
}

// A user's webhooks all at once, each twice, and of four users at a time: the network decides the order.
export async function allOfAUserAtOnce(service) {
  const lives = livesOf('all-at-once')
  const bursts = [...lives.values()].map(({ webhooks }) => () => {
    const twice = webhooks.map((webhook, n) => withId(webhook, n)).flatMap((one) => [one, one])
    return Promise.all(
      twice.map(async ([webhook, how]) => ({ route: webhook.route, told: await service.post(webhook, how) })),
    )
  })
  return tally(service, lives, (await atATime(4, bursts)).flat())
}

// No event, no reimbursement has an id: equal content is all there is to go by.
export async function withoutIdsInAnyOrderTwice(service) {
  const random = seeded(40)
  const users = Array.from({ length: USERS }, (_, number) => `without-ids-${number}`)
  const tasks = users.flatMap((user) => {
    const once = [
      bodies.syncComplete(user, { sync_id: 'sync-1' }),
      bodies.detectionComplete(user, [{ claim_id: 'claim-1', amount: 12.5 }]),
      bodies.matchingComplete(user, [{ claim_id: 'claim-1', confidence: 0.9 }]),
      bodies.claimSubmitted(user, 'claim-1'),
      bodies.claimRejected(user, 'claim-1'),
      bodies.payoutReceived(user, 'claim-1', 0.1 + 0.2),
    ]
    return [...once, ...once].map((webhook) => async () => ({ route: webhook.route, told: await service.post(webhook) }))
  })
  const sent = await atATime(8, shuffled(tasks, random))
  const ends = new Set()
  for (const user of users) ends.add(JSON.stringify(short(await service.status(user))))
  return { unexpected: sent.filter((one) => !isExpected(one)), ends: [...ends].map((end) => JSON.parse(end)) }
}

// Bodies that name nobody but their user, in every one of a sample of orders; then a person tells whose the money is.
export async function namelessInAnyOrder(service) {
  const random = seeded(720)
  const [ends, thens] = [new Set(), new Set()]
  const users = Array.from({ length: USERS }, (_, number) => `nameless-${number}`)
  await atATime(
    8,
    users.map((user) => async () => {
      const webhooks = [
        bodies.syncComplete(user),
        bodies.detectionComplete(user, [{ claim_id: 'claim-1', amount: 12.5 }]),
        { route: 'evidence-matching/complete', body: { user_id: user } },
        bodies.claimSubmitted(user, null),
        bodies.claimRejected(user, null),
        bodies.payoutReceived(user, null, 12.5),
      ]
      for (const webhook of shuffled(webhooks, random)) await service.post(webhook)
      const status = await service.status(user)
      const waiting = status.deferred.map(({ trigger, waiting_for, candidates }) => ({
        trigger,
        waiting_for,
        candidates: candidates.map((candidate) => [candidate.claim_id, candidate.state]),
      }))
      ends.add(JSON.stringify({ ...short(status), waiting }))
      const byHand = await service.tellByHand(user, { claim_id: 'claim-1' })
      thens.add(JSON.stringify({ became: became(byHand), ...short(await service.status(user)) }))
    }),
  )
  return { ends: [...ends].map((end) => JSON.parse(end)), thens: [...thens].map((then) => JSON.parse(then)) }
}

// An agent that keeps its connections: 400 requests over eight sockets, none of which the server closes.
export async function eightSocketsKeptAlive(service) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 8 })
  const ports = new Set()
  const tasks = Array.from({ length: 400 }, (_, number) => async () => {
    const { route, body } = bodies.payoutReceived('kept-alive', 'claim-1', 0.1, { event_id: `p-${number % 200}` })
    const text = JSON.stringify(body)
    const headers = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) }
    const request = http.request(`${service.url}/${route}`, { method: 'POST', agent, headers })
    request.on('socket', (socket) =>
      socket.connecting ? socket.once('connect', () => ports.add(socket.localPort)) : ports.add(socket.localPort),
    )
    request.end(text)
    return (await read(request)).code
  })
  const codes = await atATime(32, tasks)
  agent.destroy()
  const { unapplied } = await service.status('kept-alive')
  return { codes: [...new Set(codes)].sort(), sockets: ports.size, unapplied }
}

// A detection of as many bytes as a body may have, then one byte more.
export async function tenMebibytes(service) {
  const user = 'ten-mebibytes'
  const ofSize = (size) => {
    const claims = Array.from({ length: 1200 }, (_, n) => ({ claim_id: `claim-${n}`, amount: 0.1 + 0.2, evidence: '' }))
    const webhook = bodies.detectionComplete(user, claims)
    const room = size - Buffer.byteLength(JSON.stringify(webhook.body))
    webhook.body.claims.forEach((claim, n) => {
      claim.evidence = '.'.repeat(Math.floor(room / 1200) + (n < room % 1200 ? 1 : 0))
    })
    return JSON.stringify(webhook.body)
  }
  await service.post(bodies.syncComplete(user))
  const tooLarge = await service.send('detection/complete', ofSize(10 * MEBIBYTES + 1))
  const nothing = (await service.status(user)).counts
  const full = await service.send('detection/complete', ofSize(10 * MEBIBYTES))
  const again = await service.send('detection/complete', ofSize(10 * MEBIBYTES))
  await service.post(bodies.payoutReceived(user, 'claim-1199', 0.1 + 0.2))
  const status = await service.status(user, { limit: 1000 })
  return {
    tooLarge: [became(tooLarge), tooLarge.type],
    nothing,
    full: [became(full), full.answer.transitions.length],
    again: became(again),
    counts: status.counts,
    claims: new Set(status.claims.map((claim) => claim.claim_id)).size,
    amounts: [...new Set(status.claims.map((claim) => claim.amount))],
    recovered: status.recovered,
  }
}
