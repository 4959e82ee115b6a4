// A real OpenID provider for tests: client credentials, access tokens as JWT, and new keys whenever a line says so.
// It listens at a free port and prints {"issuer": …}; "rotate" on stdin is answered by {"rotated": <key id>}.
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import Provider from 'oidc-provider';

const [audience, client, secret] = process.argv.slice(2);
const server = createServer();
let answer;

function newKey() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), use: 'sig', alg: 'RS256' };
}

function provide(issuer) {
  const key = newKey();
  const resource = {
    scope: 'api',
    audience,
    accessTokenFormat: 'jwt',
    accessTokenTTL: 120,
    jwt: { sign: { alg: 'RS256' } },
  };
  const provider = new Provider(issuer, {
    clients: [{
      client_id: client,
      client_secret: secret,
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
    }],
    cookies: { keys: [randomUUID()] },
    jwks: { keys: [key] },
    extraTokenClaims: () => ({ groups: ['staff'] }),
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => audience,
        getResourceServerInfo: () => resource,
      },
    },
  });
  answer = provider.callback();
  return key.kid;
}

server.on('request', (request, response) => answer(request, response));
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  provide(issuer);
  console.log(JSON.stringify({ issuer }));
  const lines = createInterface({ input: process.stdin });
  lines.on('line', (line) => {
    if (line === 'rotate') console.log(JSON.stringify({ rotated: provide(issuer) }));
  });
  // Whoever started it has gone.
  lines.on('close', () => process.exit(0));
});
