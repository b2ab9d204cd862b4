// The integrations service, in small: takes the two calls that ask for work, and posts webhooks back as it does it.
// Each call is answered 503 the first time, so that it comes again, with the same key. GET / tells what came.
// Its first line on stdout is its port.
import http from 'node:http'

const [token] = process.argv.slice(2)
const told = { calls: [], webhooks: [], failed: [] }
const seen = new Set()
let api

const work = {
  async '/api/v1/integrations/amazon/sync'({ user_id, callback_url }) {
    api = callback_url.replace(/\/sync\/complete$/, '')
    await post(callback_url, { user_id, sync_id: `sync-of-${user_id}`, orders_count: 12, inventory_items: 3 })
  },

  async '/api/detections/run'({ user_id, syncId }) {
    const claim_id = `claim-of-${user_id}`
    const sync_id = syncId
    await post(`${api}/detection/complete`, { user_id, sync_id, claims: [{ claim_id, amount: '19.99', confidence: 0.7 }] })
    await post(`${api}/evidence-matching/complete`, { user_id, matches: [{ claim_id, confidence: 0.9 }] })
    await post(`${api}/claim/submitted`, { user_id, claim_id, amazon_case_id: 'case-1' })
    await post(`${api}/payout/received`, { user_id, amazon_case_id: 'case-1', amount: '19.99', currency: 'USD' })
  },
}

async function post(url, body) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  })
  const { status } = await response.json()
  told.webhooks.push([new URL(url).pathname.split('/workflow/')[1], response.status, status])
}

const server = http.createServer(async (request, response) => {
  const answer = (code, body, headers = {}) => {
    response.writeHead(code, { 'Content-Type': 'application/json', ...headers })
    response.end(JSON.stringify(body))
  }
  let text = ''
  for await (const chunk of request.setEncoding('utf8')) text += chunk
  if (request.method === 'GET') return answer(200, told)
  const task = work[request.url]
  const key = request.headers['idempotency-key']
  if (!task) return answer(404, { error: 'no such route' })
  if (request.headers.authorization !== `Bearer ${token}`) return answer(401, { error: 'no or another token' })
  if (!key) return answer(400, { error: 'no Idempotency-Key' })
  const body = JSON.parse(text)
  told.calls.push({ path: request.url, key, body })
  if (!seen.has(key)) {
    seen.add(key)
    return answer(503, { error: 'starting up' }, { 'Retry-After': '1' })
  }
  answer(202, { status: 'accepted' })
  task(body).catch((error) => told.failed.push(error.stack))
})

server.listen(0, '127.0.0.1', () => console.log(server.address().port))
