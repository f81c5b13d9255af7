// Packages that examples use and that are too large to install for their sake.
declare module 'express';
declare module 'fastify';
declare module '@nestjs/common';
