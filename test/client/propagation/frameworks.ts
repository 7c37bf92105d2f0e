import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type ArgumentsHost, Body, Catch, Controller, HttpCode, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import express, { type ErrorRequestHandler, type RequestHandler, type Response } from 'express';
import fastify from 'fastify';
import Koa from 'koa';
import {
  expressGlobalTx,
  fastifyGlobalTx,
  type GlobalTxError,
  httpGlobalTx,
  type IncomingOptions,
  koaGlobalTx,
} from '../../../src/client/index.js';
import { GlobalTxInterceptor, type NestOptions } from '../../../src/client/propagation/nest/index.js';

/** What a service does with a request; the framework around it is the test's matter. */
export type Work = (body: unknown) => unknown;

export interface Service {
  readonly port: number;
  stop(): Promise<void>;
}

export interface Framework {
  readonly name: string;
  start(options: IncomingOptions | undefined, work: Work): Promise<Service>;
}

type Failure = GlobalTxError & { readonly statusCode?: number };

export async function serve(server: Server): Promise<Service> {
  if (!server.listening) await new Promise((resolve) => server.once('listening', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    stop: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** As body parsers do that know nothing of asynchronous context: what follows runs in the listener. */
function readAll(stream: IncomingMessage, then: (text: string) => void): void {
  let text = '';
  stream.on('data', (chunk) => {
    text += chunk;
  });
  stream.on('end', () => then(text));
}

const readByHand: RequestHandler = (request, _response, next) => {
  if (!request.is('text/plain')) return next();
  readAll(request, (text) => {
    request.body = text;
    next();
  });
};

function bodyOf(request: IncomingMessage, text: string): unknown {
  return request.headers['content-type'] === 'application/json' ? JSON.parse(text) : text;
}

/** A service of NestJS. Its decorators are called by hand, because this is not compiled with the legacy ones. */
async function startNest(options: NestOptions, work: Work): Promise<Service> {
  class Requests {
    async handle(body: unknown): Promise<unknown> {
      return { result: (await work(body)) ?? null };
    }
  }
  const handle = Object.getOwnPropertyDescriptor(Requests.prototype, 'handle')!;
  Post()(Requests.prototype, 'handle', handle);
  HttpCode(200)(Requests.prototype, 'handle', handle);
  Body()(Requests.prototype, 'handle', 0);
  Controller()(Requests);
  class Application {}
  Module({ controllers: [Requests] })(Application);
  class Failed {
    catch(error: Failure, host: ArgumentsHost): void {
      const response = host.switchToHttp().getResponse<Response>();
      response.status(error.statusCode ?? 500).json({ code: error.code, message: error.message });
    }
  }
  Catch()(Failed);
  const app = await NestFactory.create(Application, { bodyParser: false, logger: false });
  app.use(express.json());
  app.use(readByHand);
  app.useGlobalFilters(new Failed());
  app.useGlobalInterceptors(new GlobalTxInterceptor(options));
  await app.listen(0, '127.0.0.1');
  const { port, stop } = await serve(app.getHttpServer());
  return {
    port,
    stop: async () => {
      await stop();
      await app.close();
    },
  };
}

export const FRAMEWORKS: readonly Framework[] = [
  {
    name: 'Express',
    start(options, work) {
      const app = express();
      app.use(expressGlobalTx(options));
      app.use(express.json());
      app.use(readByHand);
      app.post('/', async (request, response) => {
        response.json({ result: (await work(request.body)) ?? null });
      });
      const failed: ErrorRequestHandler = (error, _request, response, _next) => {
        response.status(error.statusCode ?? 500).json({ code: error.code, message: error.message });
      };
      app.use(failed);
      return serve(app.listen(0, '127.0.0.1'));
    },
  },
  {
    name: 'Fastify',
    async start(options, work) {
      const app = fastify();
      await app.register(fastifyGlobalTx, options ?? {});
      app.addContentTypeParser('text/plain', (_request, payload, done) => {
        readAll(payload, (text) => done(null, text));
      });
      app.post('/', async (request) => ({ result: (await work(request.body)) ?? null }));
      await app.listen({ port: 0, host: '127.0.0.1' });
      return { port: (app.server.address() as AddressInfo).port, stop: () => app.close() };
    },
  },
  {
    name: 'Koa',
    start(options, work) {
      const app = new Koa();
      app.use(async (context, next) => {
        try {
          await next();
        } catch (error) {
          const { statusCode = 500, code, message } = error as Failure;
          context.status = statusCode;
          context.body = { code, message };
        }
      });
      app.use(koaGlobalTx(options));
      app.use(async (context) => {
        const text = await new Promise<string>((resolve) => readAll(context.req, resolve));
        context.body = { result: (await work(bodyOf(context.req, text))) ?? null };
      });
      return serve(app.listen(0, '127.0.0.1'));
    },
  },
  {
    name: "Node's own server",
    start(options, work) {
      const server = createServer(
        httpGlobalTx((request, response) => {
          readAll(request, async (text) => {
            try {
              const result = (await work(bodyOf(request, text))) ?? null;
              response.setHeader('content-type', 'application/json').end(JSON.stringify({ result }));
            } catch (error) {
              const { statusCode = 500, code, message } = error as Failure;
              response.writeHead(statusCode).end(JSON.stringify({ code, message }));
            }
          });
        }, options),
      );
      return serve(server.listen(0, '127.0.0.1'));
    },
  },
  {
    name: 'NestJS',
    start: (options, work) => {
      const trust = options?.trust;
      if (typeof trust !== 'function') return startNest({ ...(trust && { trust }) }, work);
      return startNest({ trust: (context) => trust(context.getArgByIndex(0) as IncomingMessage) }, work);
    },
  },
];
