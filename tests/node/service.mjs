// How a Node.js program talks to the workflow service: the built-in fetch, JSON, and no package.
import http from 'node:http'

const PREFIX = '/api/v1/workflow'

export class Service {
  constructor(url) {
    this.url = url + PREFIX
  }

  // Gives { code, type, answer } of one webhook, { route, body }.
  async post(webhook, { headers = {}, signal } = {}) {
    return this.send(webhook.route, JSON.stringify(webhook.body), { headers, signal })
  }

  async send(route, text, { headers = {}, signal } = {}) {
    const response = await fetch(`${this.url}/${route}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body: text,
      signal,
    })
    return { code: response.status, type: response.headers.get('content-type'), answer: await response.json() }
  }

  async get(route, userId, query = {}) {
    const response = await fetch(`${this.url}/${route}/${encodeURIComponent(userId)}?${new URLSearchParams(query)}`)
    return { code: response.status, answer: await response.json() }
  }

  // A user's status, all pages of claims in one, without what differs from run to run.
  async status(userId, query = {}) {
    const { answer } = await this.get('status', userId, query)
    for (let page = answer; page.next_cursor !== null; ) {
      page = (await this.get('status', userId, { ...query, cursor: page.next_cursor })).answer
      answer.claims.push(...page.claims)
    }
    const { updated_at, next_cursor, ...lasting } = answer
    for (const each of [...lasting.claims, ...lasting.syncs]) delete each.entered_at
    for (const each of lasting.claims.flatMap((claim) => claim.cases)) delete each.at
    return lasting
  }

  // A person adds to what a user's one dead letter says; gives the new answer of its event.
  async tellByHand(userId, told) {
    const response = await fetch(`${this.url}/deadletters?${new URLSearchParams({ user_id: userId })}`)
    const { deadletters } = await response.json()
    if (deadletters.length !== 1) throw new Error(`${userId} has ${deadletters.length} dead letters, not one`)
    const [letter] = deadletters
    const route = `deadletters/${encodeURIComponent(letter.id)}/retry`
    return this.post({ route, body: told })
  }

  async history(userId, query = {}) {
    return (await this.get('history', userId, query)).answer.history
  }

  // fetch tidies `..` out of every URL; http.request sends a path as it is spelled.
  async getAsSpelled(path) {
    return read(http.get(`${this.url}/`, { path: `${PREFIX}/${path}`, agent: false }))
  }
}

// What http.request got, as post and get tell it.
export async function read(request) {
  return new Promise((resolve, reject) => {
    request.on('error', reject)
    request.on('response', async (response) => {
      let text = ''
      for await (const chunk of response.setEncoding('utf8')) text += chunk
      resolve({ code: response.statusCode, answer: JSON.parse(text) })
    })
  })
}

// '12.50' is 1250n: money is compared in whole cents, never as floats.
export function cents(text) {
  const [, whole, hundredths] = text.match(/^(\d+)\.(\d\d)$/)
  return BigInt(whole + hundredths)
}

// In one line what became of an event: 'applied', 'duplicate of applied', '409 not-allowed'.
export function became({ code, answer }) {
  if (code >= 400) return `${code} ${answer.type.split('/').at(-1)}`
  return answer.status === 'duplicate' ? `duplicate of ${answer.first_status}` : answer.status
}

// A status as far as it doesn't depend on names.
export function short(status) {
  const { state, counts, recovered, unapplied, deferred } = status
  return { state, counts, recovered, unapplied, waiting: deferred.length }
}

// Chance that repeats: mulberry32.
export function seeded(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

export function shuffled(list, random) {
  const mixed = [...list]
  for (let i = mixed.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    ;[mixed[i], mixed[j]] = [mixed[j], mixed[i]]
  }
  return mixed
}

// Runs the tasks, at most `limit` of them at a time; gives what they gave, in order.
export async function atATime(limit, tasks) {
  const results = []
  let next = 0
  const lane = async () => {
    while (next < tasks.length) {
      const mine = next++
      results[mine] = await tasks[mine]()
    }
  }
  await Promise.all(Array.from({ length: limit }, lane))
  return results
}
