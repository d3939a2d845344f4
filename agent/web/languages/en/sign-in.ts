/** The pages before the floor: the connection, the set-up of the first admin, the sign-in. */
export const signIn = {
  'sign-in.connecting': 'Connecting to the gateway…',
  'sign-in.unreachable': 'No connection',
  'sign-in.unreachable.text': 'The gateway does not answer. Trying again…',
  'sign-in.moved': 'The page is set up',
  'sign-in.moved.text': 'It is now open to the network, with encryption, at:',
  'sign-in.sign-in': 'Sign in',
  'sign-in.signing-in': 'Signing in…',
  'sign-in.user-name': 'User name',
  'sign-in.password': 'Password',
  'sign-in.password-again': 'Password again',
  'sign-in.not-set-up': 'This page is not set up yet',
  'sign-in.open-link':
    'Open the set-up link that the agent printed in its terminal. It works once, for 15 minutes, on this computer.',
  'sign-in.new-link': 'For a new link run',
  'sign-in.set-up': 'Set up this page',
  'sign-in.first-admin': 'Make the first administrator of this gateway.',
  'sign-in.name-hint': '2 to 40 of a–z, 0–9, dot, dash and underscore',
  'sign-in.password-hint': 'At least 10 characters; a short sentence is good',
  'sign-in.create': 'Create administrator',
  'sign-in.setting-up': 'Setting up…',
} as const;
