export { type ModelServer, type ModelServerOptions, modelServer, type ServedRequest } from './model-server.ts'
export { type ServerFault, type ServerReply, type ServerRequest, serverFaults } from './reply.ts'
